import type { GrantRow } from '../../data/grants/grant-rows.ts';
import { type Revoked, revokeOnce } from '../../data/grants/grants.ts';
import type { Change } from '../../data/changes/sent-change.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';

const revokedText = ({ stopped, stopping }: Revoked): string =>
  `The grant is revoked. Accounts that stopped at once: ${stopped}${stopping === 0 ? '' : `; that stop within 60 seconds: ${stopping}`}.`;

const revocation = (id: GrantRow['id'], onRevoked: (text: string) => void): Change => {
  const revoke = revokeOnce(id);
  return async () => onRevoked(revokedText(await revoke()));
};

/** Asks before a grant is revoked, for good. */
export const RevokeGrant = ({
  grant,
  account,
  name,
  onRevoked,
  onClose,
}: {
  readonly grant: Pick<GrantRow, 'id'>;
  /** The agent that holds the grant, and its name on the page. */
  readonly account: string;
  readonly name: string;
  /** Called with a sentence about the stopped accounts. */
  readonly onRevoked: (text: string) => void;
  readonly onClose: () => void;
}) => (
  <ActDialog
    title={`Revoke this grant of ${name}?`}
    account={account}
    verb="Revoke"
    isDangerous
    change={revocation(grant.id, onRevoked)}
    onDone={() => undefined}
    onClose={onClose}
  >
    <p>
      {name} and all agents below it can no longer spend from this grant. Running calls may finish.
      An account that the gateway cannot reach stops within 60 seconds. You cannot undo this.
    </p>
  </ActDialog>
);
