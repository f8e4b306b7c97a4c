import { useState } from 'preact/hooks';
import type { Role } from '../data/session/scope.ts';
import type { Standing } from '../data/accounts/standing.ts';
import { statusActs } from '../data/accounts/status-acts.ts';
import { StatusDialog } from './status-dialog.tsx';

/** Opens the choice of a status; absent if no status can be set any more. Stays in place after a change, and keeps the focus. */
export const StatusButton = ({
  account,
  name,
  role,
  standing,
  onDone,
}: {
  readonly account: string;
  /** As the page shows the account. */
  readonly name: string;
  readonly role: Role;
  readonly standing: Standing;
  readonly onDone: () => void;
}) => {
  const [isOpen, setOpen] = useState(false);
  if (statusActs(standing, role).length === 0) return null;
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        Status…<span class="unseen"> of {name}</span>
      </button>
      {isOpen ? (
        <StatusDialog
          account={account}
          name={name}
          role={role}
          standing={standing}
          onDone={onDone}
          onClose={() => setOpen(false)}
        />
      ) : null}
    </>
  );
};
