import { useState } from 'preact/hooks';
import type { Role } from '../data/role.ts';
import type { Standing } from '../data/standing.ts';
import { confirmationOf, setStatus, type StatusAct, statusActs } from '../data/status-acts.ts';
import { ActDialog } from '../parts/act-dialog.tsx';

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
  const acts = statusActs(standing, role);
  if (acts.length === 0) return <p class="muted">Revoked for good.</p>;
  return (
    <div class="acts">
      {acts.map((each) => (
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
          confirmation={confirmationOf(act)}
          change={(management) => setStatus(management, role, account, act.to)}
          onDone={onDone}
          onClose={() => setAct(undefined)}
        >
          <p>{act.effect}</p>
        </ActDialog>
      )}
    </div>
  );
};
