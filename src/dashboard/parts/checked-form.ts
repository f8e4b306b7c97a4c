import type { RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** A form whose button is always enabled: a submit that the page refuses moves the focus to the first field with an error. */
export type CheckedForm<Form extends HTMLElement> = {
  readonly ref: RefObject<Form>;
  /** Whether a submit was refused, so that missing fields show their errors too. */
  readonly isTried: boolean;
  readonly refuse: () => void;
};

export const useCheckedForm = <Form extends HTMLElement>(): CheckedForm<Form> => {
  const ref = useRef<Form>(null);
  const [refusals, setRefusals] = useState(0);
  // The errors are drawn by the render that this effect follows.
  useLayoutEffect(() => {
    if (refusals > 0) ref.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [refusals]);
  return { ref, isTried: refusals > 0, refuse: () => setRefusals((count) => count + 1) };
};
