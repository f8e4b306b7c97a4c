import { isOvertaken } from '../data/overtaken.ts';
import { useState } from 'preact/hooks';
import type { Management } from '../../client/management.ts';
import type { FormPolicy } from '../data/policy-form.ts';
import {
  type PolicySlot,
  readStored,
  type StoredPolicy,
  writePolicy,
} from '../data/stored-policy.ts';
import { parsePolicy, type Policy } from '../../policy/policy.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Notice } from '../parts/notice.tsx';
import { BudgetEffects } from './budget-effects.tsx';
import { PolicyChanges } from './policy-changes.tsx';

const parsed = ({ document }: StoredPolicy): Policy | undefined => {
  const read = document === undefined ? undefined : parsePolicy(document);
  return read?.ok === true ? read.value : undefined;
};

/**
 * Shows what a policy changes and would do, then asks the wallet. If another writer was first (412), it shows both versions, and
 * the next signature replaces the newer one.
 */
export const BudgetReview = ({
  slot,
  base,
  changed,
  onRebase,
  onSaved,
  onClose,
}: {
  readonly slot: PolicySlot;
  /** The version that the person began with. */
  readonly base: StoredPolicy;
  readonly changed: FormPolicy;
  /** Called with the version in force, when it is not `base` any more. */
  readonly onRebase: (base: StoredPolicy) => void;
  readonly onSaved: () => void;
  readonly onClose: () => void;
}) => {
  const [first] = useState(base);
  const [seen, setSeen] = useState(base);
  const isReplaced = seen.etag !== first.etag;
  const save = async (management: Management): Promise<void> => {
    try {
      await writePolicy(management, slot, { document: changed.document, etag: seen.etag });
    } catch (thrown) {
      if (isOvertaken(thrown)) {
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
      verb={isReplaced ? 'Replace it' : 'Save'}
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
            <PolicyChanges title="Their change" before={parsed(first)} after={parsed(seen)} />
          </>
        ) : null}
        <PolicyChanges
          title={isReplaced ? 'Your change, instead of theirs' : 'Your change'}
          before={parsed(seen)}
          after={changed.policy}
        />
        <BudgetEffects slot={slot} changed={changed} etag={seen.etag} />
      </div>
    </ActDialog>
  );
};
