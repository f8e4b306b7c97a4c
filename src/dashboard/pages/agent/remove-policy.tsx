import { type PolicySlot, removePolicy } from '../../data/policies/stored-policy.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';

/** Asks before a policy is removed. */
export const RemovePolicy = ({
  slot,
  etag,
  onDone,
  onClose,
}: {
  readonly slot: PolicySlot;
  /** The version that the person saw when the dialog opened; the page may read newer ones meanwhile. */
  readonly etag: string;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) => (
  <ActDialog
    title="Remove this policy?"
    account={slot.account}
    verb="Remove"
    isDangerous
    change={(management) => removePolicy(management, slot, etag)}
    onDone={onDone}
    onClose={onClose}
  >
    <p>
      Its limits no longer apply.{' '}
      {slot.role === 'operator' ? 'The default policy applies again. ' : ''}The other policies and
      the grants of this agent stay in force. What was counted in the current period counts again if
      you set such a limit before it ends.
    </p>
  </ActDialog>
);
