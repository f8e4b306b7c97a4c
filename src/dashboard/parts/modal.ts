import { useLayoutEffect, useRef } from 'preact/hooks';
import { returnFocus } from './return-focus.ts';

/**
 * Opens a `<dialog>` as soon as it is rendered. A different title is a different dialog, which replaces it.
 *
 * Race: browsers report `close` a task later. By then the page may show the next dialog, which that event must not close.
 */
export const useModal = (title: string, onClose: () => void) => {
  const ref = useRef<HTMLDialogElement>(null);
  const opener = useRef<Element | null>(null);
  useLayoutEffect(() => {
    const { current } = ref;
    if (current?.open !== false) return;
    opener.current = document.activeElement;
    current.showModal();
    // The browser would choose the first control, which may be the copy button of an id in the text.
    const field = current.querySelector<HTMLElement>('input, select, textarea');
    (field ?? current.querySelector<HTMLElement>('h2[tabindex]'))?.focus();
  }, [title]);
  return {
    ref,
    /** Closes it after a change, which may remove the control that opened it. */
    leave: () => {
      ref.current?.close();
      returnFocus(opener.current);
    },
    onClose: ({
      currentTarget: { isConnected, open },
    }: {
      readonly currentTarget: HTMLDialogElement;
    }) => {
      if (isConnected && !open) onClose();
    },
  };
};
