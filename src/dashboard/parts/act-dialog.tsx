import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Management } from '../../client/management.ts';
import { useAct } from '../data/act.ts';
import { Field } from './field.tsx';
import { Notice } from './notice.tsx';
import './act-dialog.css';

/**
 * Asks before a change: what will happen, then the wallet. It opens when it is rendered, and closes itself after the change, on Escape and
 * on Cancel. What a person typed stays when the change fails.
 */
export const ActDialog = ({
  title,
  verb,
  isDangerous = false,
  confirmation,
  isReady = true,
  change,
  onDone,
  onClose,
  children,
}: {
  readonly title: string;
  /** The word on the button: "Revoke". */
  readonly verb: string;
  readonly isDangerous?: boolean;
  /** A word to type first, for a change that nothing undoes. */
  readonly confirmation?: string | undefined;
  /** Whether the content is complete, so that the wallet may be asked. */
  readonly isReady?: boolean;
  readonly change: (management: Management) => Promise<unknown>;
  /** Called after the change has happened. */
  readonly onDone: () => void;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) => {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const [typed, setTyped] = useState('');
  const { isAsking, problem, carryOut } = useAct();
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (): Promise<void> => {
    if (!(await carryOut(change))) return;
    dialog.current?.close();
    onDone();
  };
  const isConfirmed = confirmation === undefined || typed === confirmation;
  return (
    <dialog ref={dialog} aria-labelledby={titleId} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <h2 id={titleId}>{title}</h2>
        {children}
        {confirmation === undefined ? null : (
          <Field
            label={`Type ${confirmation} to confirm`}
            control={(described) => (
              <input
                {...described}
                value={typed}
                autocomplete="off"
                spellcheck={false}
                onInput={(event) => setTyped(event.currentTarget.value)}
              />
            )}
          />
        )}
        {problem === undefined ? null : <Notice tone="bad">{problem}</Notice>}
        <div class="acts">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button
            type="submit"
            class={isDangerous ? 'danger' : 'primary'}
            disabled={isAsking || !isReady || !isConfirmed}
          >
            {isAsking ? 'Confirm in the wallet' : `${verb} with the wallet`}
          </button>
        </div>
      </form>
    </dialog>
  );
};
