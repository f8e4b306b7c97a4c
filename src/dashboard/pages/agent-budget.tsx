import { useState } from 'preact/hooks';
import { draftOf } from '../data/draft.ts';
import { type FormRow, formOf, type PolicyForm, policyOf } from '../data/policy-form.ts';
import type { PartProps } from '../data/standing.ts';
import { removePolicy, type StoredPolicy, storedIn } from '../data/stored-policy.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Notice } from '../parts/notice.tsx';
import { Section } from '../parts/page.tsx';
import { BudgetForm } from './budget-form.tsx';
import { BudgetReview } from './budget-review.tsx';
import { BindingPolicies } from './binding-policies.tsx';

/** A form that a person has begun to fill in, and the version that it began with. */
type Draft = { readonly form: PolicyForm; readonly base: StoredPolicy };
type Open = 'review' | 'removal' | undefined;

const BOTH_BIND =
  'The operator and the owner each have a policy for an agent. A call must satisfy both, and every grant.';

/** The policy that this person may write for an account, as a form; and the policies of others that bind it too. */
export const AgentBudget = ({ account, scope, standing, onDone }: PartProps) => {
  const slot = { account, role: scope.role };
  const stored = storedIn(standing, slot);
  const draft = draftOf<Draft>(`policy ${scope.role} ${scope.account} ${account}`);
  const [open, setOpen] = useState<Open>(undefined);
  const { form, base } = draft.value ?? { form: formOf(stored.document), base: stored };
  const changed = policyOf(form);
  const isSame = JSON.stringify(form) === JSON.stringify(formOf(base.document));
  const change = (row: FormRow, text: string): void => {
    draft.value = { form: { ...form, [row]: text }, base };
  };
  const close = (): void => setOpen(undefined);
  const done = (): void => {
    draft.value = undefined;
    onDone();
  };
  const mayWrite =
    scope.role === 'operator' || account !== scope.account || standing.parent === undefined;
  return (
    <>
      {mayWrite ? (
        <Section
          title={`Budget, set by the ${scope.role}`}
          note={stored.document === undefined ? 'none set yet' : 'in force'}
        >
          <form
            onSubmit={(event) => {
              event.preventDefault();
              setOpen('review');
            }}
          >
            {draft.value !== undefined && stored.etag !== base.etag ? (
              <Notice tone="warn">
                This policy changed while you were editing. You will see both versions before you
                save.
              </Notice>
            ) : null}
            <BudgetForm form={form} faults={changed.ok ? {} : changed.error} onChange={change} />
            <div class="acts">
              <button type="submit" class="primary" disabled={!changed.ok || isSame}>
                Review the change
              </button>
              <button
                type="button"
                disabled={draft.value === undefined}
                onClick={() => {
                  draft.value = undefined;
                }}
              >
                Discard
              </button>
              {stored.etag === undefined ? null : (
                <button type="button" class="danger" onClick={() => setOpen('removal')}>
                  Remove this policy
                </button>
              )}
            </div>
          </form>
        </Section>
      ) : (
        <p class="muted">Only your owner may change your budget.</p>
      )}
      <Section title="All rules that apply" note={BOTH_BIND}>
        <BindingPolicies policies={standing.policies} />
      </Section>
      {open === 'review' && changed.ok ? (
        <BudgetReview
          slot={slot}
          base={base}
          changed={changed.value}
          onRebase={(theirs) => {
            draft.value = { form, base: theirs };
          }}
          onSaved={done}
          onClose={close}
        />
      ) : null}
      {open === 'removal' && stored.etag !== undefined ? (
        <ActDialog
          title="Remove this policy?"
          verb="Remove"
          isDangerous
          change={(management) => removePolicy(management, slot, stored.etag ?? '')}
          onDone={done}
          onClose={close}
        >
          <p>
            Its limits no longer apply, and their counters are deleted. The other policies and the
            grants of this agent stay in force.
          </p>
        </ActDialog>
      ) : null}
    </>
  );
};
