import { useRef, useState } from 'preact/hooks';
import type { AnswerOf } from '../../client/management.ts';
import { gateway } from '../data/gateway.ts';
import { problemOf } from '../data/query.ts';
import type { Role } from '../data/role.ts';
import { walletProblem } from '../session/wallets.ts';

type Standing = AnswerOf<'account.get'>;
type Status = Standing['status'];

/** What a person may do, and what will happen. */
const ACTS: readonly { readonly to: Status; readonly verb: string; readonly effect: string }[] = [
  {
    to: 'active',
    verb: 'Resume',
    effect:
      'The agent may call again, within its limits. Nothing that was refused meanwhile runs by itself.',
  },
  {
    to: 'paused',
    verb: 'Pause',
    effect: 'New calls are refused and told to try later. Calls that run now may end.',
  },
  {
    to: 'frozen',
    verb: 'Freeze',
    effect:
      'New calls are refused here and in every agent below. Calls that run now may end. You can lift it.',
  },
  {
    to: 'revoked',
    verb: 'Revoke',
    effect: 'The agent is cut off for good, with every agent below it. This cannot be undone.',
  },
];

/** Changes the status of an account. The wallet signs it; a revocation needs the word typed, because nothing brings it back. */
export const StatusActs = ({
  account,
  role,
  standing,
  onDone,
}: {
  readonly account: string;
  readonly role: Role;
  readonly standing: Standing;
  readonly onDone: () => void;
}) => {
  const dialog = useRef<HTMLDialogElement>(null);
  const [act, setAct] = useState(ACTS[0]);
  const [typed, setTyped] = useState('');
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isAsking, setAsking] = useState(false);
  const own = role === 'operator' ? standing.operator_status : standing.owner_status;
  const open = (next: (typeof ACTS)[number]): void => {
    setAct(next);
    setTyped('');
    setProblem(undefined);
    dialog.current?.showModal();
  };
  const carryOut = async (): Promise<void> => {
    if (act === undefined) return;
    setProblem(undefined);
    setAsking(true);
    try {
      const id = role === 'operator' ? 'accounts.status' : 'account.status';
      await gateway.value?.call(id, { params: { account }, body: { status: act.to } });
      dialog.current?.close();
      onDone();
    } catch (thrown) {
      const cause = (thrown as { readonly cause?: unknown }).cause;
      const { detail, hint } = problemOf(thrown);
      setProblem(cause === undefined ? `${detail} ${hint}` : walletProblem(cause));
    } finally {
      setAsking(false);
    }
  };
  if (own === 'revoked') return <p class="muted">Revoked for good.</p>;
  return (
    <div class="acts">
      {ACTS.filter(({ to }) => to !== own).map((each) => (
        <button
          key={each.to}
          type="button"
          class={each.to === 'revoked' ? 'danger' : ''}
          onClick={() => open(each)}
        >
          {each.verb}
        </button>
      ))}
      <dialog ref={dialog} aria-labelledby="act-title">
        <form
          method="dialog"
          onSubmit={(event) => {
            event.preventDefault();
            void carryOut();
          }}
        >
          <h2 id="act-title">
            {act?.verb} this {standing.parent === undefined ? 'account' : 'agent'}?
          </h2>
          <p>{act?.effect}</p>
          {act?.to === 'revoked' ? (
            <label>
              Type <strong>revoke</strong> to confirm
              <input value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
            </label>
          ) : null}
          {problem === undefined ? null : (
            <p class="notice bad" role="alert">
              {problem}
            </p>
          )}
          <div class="acts">
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button
              type="submit"
              class={act?.to === 'revoked' ? 'danger' : 'primary'}
              disabled={isAsking || (act?.to === 'revoked' && typed !== 'revoke')}
            >
              {isAsking ? 'Confirm in the wallet' : `${act?.verb} with the wallet`}
            </button>
          </div>
        </form>
      </dialog>
    </div>
  );
};
