import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useState } from 'preact/hooks';
import type { Change, Settle } from '../data/changes/sent-change.ts';
import { useChange } from '../data/changes/use-change.ts';
import { addressIn, shortened } from '../format/text.ts';
import { Field } from './field.tsx';
import { useCheckedForm } from './checked-form.ts';
import { useModal } from './modal.ts';
import { Notice } from './notice.tsx';
import './act-dialog.css';

const OVER =
  'The answer to this change was lost, and the gateway has decided it since. Compare what the page shows before you sign it again.';

const wordsOn = ({
  isAsking,
  isLost,
  verb,
}: {
  readonly isAsking: boolean;
  readonly isLost: boolean;
  readonly verb: string;
}): string => {
  if (isLost) return isAsking ? 'Asking the gateway' : 'Ask again';
  return isAsking ? 'Confirm in the wallet' : `${verb} with the wallet`;
};

/**
 * Confirms a change: shows what will happen, then asks the wallet. It opens when it is rendered, and closes itself after the change, on
 * Escape and on Cancel. If the change fails, typed texts stay. After a lost answer it repeats the same signed command until it knows the
 * outcome.
 */
export const ActDialog = ({
  title,
  account,
  verb,
  isDangerous = false,
  confirmation,
  isReady = true,
  subject,
  change,
  settle = async () => OVER,
  onSettled,
  onDone,
  onClose,
  children,
}: {
  readonly title: string;
  /** The account that it changes. Attack: an account may take the name of another one, so the dialog also shows the address. */
  readonly account?: string;
  /** The word on the button: "Revoke". */
  readonly verb: string;
  readonly isDangerous?: boolean;
  /** A word to type first, for a change that cannot be undone. */
  readonly confirmation?: string | undefined;
  /** Whether the content is complete, so that the wallet may be asked. */
  readonly isReady?: boolean;
  /** Names the subject of a change that a second signature could make twice: the next dialog with this subject continues the change. */
  readonly subject?: string;
  readonly change: Change;
  readonly settle?: Settle;
  /** Called when `settle` has read the outcome of a change. */
  readonly onSettled?: () => void;
  /** Called after the change has happened. */
  readonly onDone: () => void;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) => {
  const { ref: dialog, onClose: closed, leave } = useModal(title, onClose);
  const titleId = useId();
  const [typed, setTyped] = useState('');
  const { isAsking, problem, found, isLost, carryOut } = useChange(subject);
  // A word that a person typed to confirm one change must not confirm the next.
  useLayoutEffect(() => setTyped(''), [title]);
  const { ref: form, isTried, refuse } = useCheckedForm<HTMLFormElement>();
  const isConfirmed = confirmation === undefined || typed === confirmation;
  const submit = async (): Promise<void> => {
    if (!isLost && !isConfirmed) {
      refuse();
      return;
    }
    const step = await carryOut(change, settle);
    if (step === 'settled') onSettled?.();
    if (step === 'failed') refuse();
    if (step !== 'done') return;
    leave();
    onDone();
  };
  return (
    <dialog ref={dialog} aria-labelledby={titleId} onClose={closed}>
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <h2 id={titleId} tabIndex={-1}>
          {title}
        </h2>
        {account === undefined ? null : (
          <p class="muted">
            Account <code title={account}>{shortened(addressIn(account))}</code>
          </p>
        )}
        <fieldset class="content" disabled={isLost || found !== undefined}>
          {children}
          {confirmation === undefined ? null : (
            <Field
              label={`Type ${confirmation} to confirm`}
              error={
                isTried && !isConfirmed ? `Type ${confirmation}, exactly like this.` : undefined
              }
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
        </fieldset>
        {problem === undefined ? null : <Notice tone="bad">{problem}</Notice>}
        {found === undefined ? null : <Notice tone="warn">{found}</Notice>}
        <div class="acts">
          <button type="button" onClick={() => dialog.current?.close()}>
            {found === undefined ? 'Cancel' : 'Close'}
          </button>
          {found === undefined ? (
            <button
              type="submit"
              class={isDangerous ? 'danger' : 'primary'}
              disabled={isAsking || !(isLost || isReady)}
            >
              {wordsOn({ isAsking, isLost, verb })}
            </button>
          ) : null}
        </div>
      </form>
    </dialog>
  );
};
