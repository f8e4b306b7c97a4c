import { useState } from 'preact/hooks';
import type { Role } from '../data/session/scope.ts';
import type { Standing } from '../data/accounts/standing.ts';
import { confirmationOf, setStatus, statusActs } from '../data/accounts/status-acts.ts';
import { ActDialog } from './act-dialog.tsx';
import './status-dialog.css';

/** Changes the status of an agent from a list: offers the possible statuses, each with its effect. */
export const StatusDialog = ({
  account,
  name,
  role,
  standing,
  onDone,
  onClose,
}: {
  readonly account: string;
  readonly name: string;
  readonly role: Role;
  readonly standing: Standing;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) => {
  // Race: the page reads the status again while the dialog is open. The button must not turn into another action under the pointer.
  const [acts] = useState(() => statusActs(standing, role));
  const [chosen, setChosen] = useState(acts[0]?.to);
  const act = acts.find(({ to }) => to === chosen) ?? acts[0];
  if (act === undefined) return null;
  return (
    <ActDialog
      title={`Change the status of ${name}?`}
      account={account}
      verb={act.verb}
      isDangerous={act.to === 'revoked'}
      confirmation={confirmationOf(act)}
      change={(management) => setStatus(management, role, account, act.to)}
      onDone={onDone}
      onClose={onClose}
    >
      <fieldset class="status-choices">
        <legend class="unseen">What it becomes</legend>
        {acts.map(({ to, verb, effect }) => (
          <label key={to}>
            <input
              type="radio"
              name="status"
              checked={to === act.to}
              onChange={() => setChosen(to)}
            />
            <span>
              <strong>{verb}</strong> <span class="muted">{effect}</span>
            </span>
          </label>
        ))}
      </fieldset>
    </ActDialog>
  );
};
