import { isVersionConflict } from '../../data/changes/act-problem.ts';
import { useState } from 'preact/hooks';
import type { Management } from '../../../client/management.ts';
import type { FormPolicy } from '../../data/policies/policy-form.ts';
import {
  type PolicySlot,
  readStored,
  replacedBy,
  type StoredPolicy,
  writePolicy,
} from '../../data/policies/stored-policy.ts';
import { readPolicy } from '../../../policy/read-policy.ts';
import { bindingLimits } from '../../data/policies/binding-limits.ts';
import type { Standing } from '../../data/accounts/standing.ts';
import { useDryRun } from '../../data/policies/dry-run.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { Notice } from '../../parts/notice.tsx';
import { BudgetEffects } from './budget-effects.tsx';
import { PolicyChanges } from './policy-changes.tsx';
import { StillBinding } from './still-binding.tsx';

/**
 * Shows the changes of a policy and their effects, then asks the wallet. If another writer was first (412), it shows both versions, and the
 * next signature replaces the newer one.
 */
export const BudgetReview = ({
  slot,
  base,
  standing,
  changed,
  onRebase,
  onSaved,
  onClose,
}: {
  readonly slot: PolicySlot;
  /** The version that the person began with. */
  readonly base: StoredPolicy;
  readonly standing: Standing;
  readonly changed: FormPolicy;
  /** Called with the version in force if that is no longer `base`. */
  readonly onRebase: (base: StoredPolicy) => void;
  readonly onSaved: () => void;
  readonly onClose: () => void;
}) => {
  const [first] = useState(base);
  const [seen, setSeen] = useState(base);
  const dry = useDryRun(slot, changed.document, seen.etag);
  const before = (stored: StoredPolicy) => readPolicy(replacedBy(standing, slot, stored));
  const endsDefault = slot.role === 'operator' && seen.document === undefined;
  const isReplaced = seen.etag !== first.etag;
  const save = async (management: Management): Promise<void> => {
    try {
      await writePolicy(management, slot, { document: changed.document, etag: seen.etag });
    } catch (thrown) {
      if (isVersionConflict(thrown)) {
        const theirs = await readStored(management, slot);
        setSeen(theirs);
        onRebase(theirs);
      }
      throw thrown;
    }
  };
  const whose = slot.role === 'operator' ? 'the operator’s' : 'the owner’s';
  return (
    <ActDialog
      title={`Save ${whose} policy?`}
      account={slot.account}
      verb={isReplaced ? 'Replace it' : 'Save'}
      isReady={dry.data !== undefined}
      change={save}
      onDone={onSaved}
      onClose={onClose}
    >
      <div class="review">
        {isReplaced ? (
          <>
            <Notice tone="warn">
              The policy changed while you were editing. Your version was not saved; it is kept
              here.
            </Notice>
            <PolicyChanges title="Their change" before={before(first)} after={before(seen)} />
          </>
        ) : null}
        <PolicyChanges
          title={isReplaced ? 'Your change, instead of theirs' : 'Your change'}
          before={before(seen)}
          after={changed.policy}
        />
        {endsDefault ? (
          <p class="lost">The default policy no longer applies to this agent.</p>
        ) : null}
        <StillBinding limits={bindingLimits(standing, slot)} policy={changed.policy} />
        <BudgetEffects account={slot.account} changed={changed} dry={dry} standing={standing} />
      </div>
    </ActDialog>
  );
};
