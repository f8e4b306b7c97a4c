import { useState } from 'preact/hooks';
import type { AnswerOf } from '../../client/management.ts';
import type { Role } from '../data/role.ts';
import { ActDialog } from '../parts/act-dialog.tsx';

type Standing = AnswerOf<'account.get'>;
type Status = Standing['status'];
type StatusAct = { readonly to: Status; readonly verb: string; readonly effect: string };

/** What a person may do, and what will happen. */
const ACTS: readonly StatusAct[] = [
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
  const [act, setAct] = useState<StatusAct | undefined>(undefined);
  const own = role === 'operator' ? standing.operator_status : standing.owner_status;
  if (own === 'revoked') return <p class="muted">Revoked for good.</p>;
  return (
    <div class="acts">
      {ACTS.filter(({ to }) => to !== own).map((each) => (
        <button
          key={each.to}
          type="button"
          class={each.to === 'revoked' ? 'danger' : ''}
          onClick={() => setAct(each)}
        >
          {each.verb}
        </button>
      ))}
      {act === undefined ? null : (
        <ActDialog
          title={`${act.verb} this ${standing.parent === undefined ? 'account' : 'agent'}?`}
          verb={act.verb}
          isDangerous={act.to === 'revoked'}
          confirmation={act.to === 'revoked' ? 'revoke' : undefined}
          change={(management) =>
            management.call(role === 'operator' ? 'accounts.status' : 'account.status', {
              params: { account },
              body: { status: act.to },
            })
          }
          onDone={onDone}
          onClose={() => setAct(undefined)}
        >
          <p>{act.effect}</p>
        </ActDialog>
      )}
    </div>
  );
};
