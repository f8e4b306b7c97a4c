import { useState } from 'preact/hooks';
import { draftOf } from '../../data/changes/draft.ts';
import { tokensOf } from '../../data/gateway/gateway-facts.ts';
import { bindingLimits } from '../../data/policies/binding-limits.ts';
import {
  type FormRow,
  formOf,
  type PolicyForm,
  policyOf,
} from '../../data/policies/policy-form.ts';
import { replacedBy, type StoredPolicy, storedIn } from '../../data/policies/stored-policy.ts';
import type { PartProps } from './part-props.ts';
import { useSellsForDollars } from '../../data/tools/use-public-tools.ts';
import { useGatewayFacts } from '../../data/gateway/use-gateway-facts.ts';
import { useCheckedForm } from '../../parts/checked-form.ts';
import { Notice } from '../../parts/notice.tsx';
import { Section } from '../../parts/page.tsx';
import { BudgetForm } from './budget-form.tsx';
import { BudgetReview } from './budget-review.tsx';
import { RemovePolicy } from './remove-policy.tsx';

/** A form that a person has begun to fill in, and the version of the policy at that time. */
type Draft = { readonly form: PolicyForm; readonly base: StoredPolicy };
type Open = 'review' | { readonly what: 'removal'; readonly etag: string } | undefined;

/** The policy that this person may write for an account, as a form. The wallet signs the reviewed policy. */
export const BudgetEditor = ({ account, scope, standing, onDone }: PartProps) => {
  const slot = { account, role: scope.role };
  const stored = storedIn(standing, slot);
  const { etag } = stored;
  const draft = draftOf<Draft>(`policy ${scope.role} ${scope.account} ${account}`);
  const [open, setOpen] = useState<Open>(undefined);
  const { form, base } = draft.value ?? {
    form: formOf(replacedBy(standing, slot, stored)),
    base: stored,
  };
  const facts = useGatewayFacts();
  const changed = policyOf(form, facts && tokensOf(facts));
  const hasDollars = useSellsForDollars();
  const isSame = JSON.stringify(form) === JSON.stringify(formOf(replacedBy(standing, slot, base)));
  const { ref, isTried, refuse } = useCheckedForm<HTMLFormElement>();
  const limits = bindingLimits(standing, slot);
  const takesDefault = scope.role === 'operator' && stored.document === undefined;
  const change = (row: FormRow, text: string): void => {
    draft.value = { form: { ...form, [row]: text }, base };
  };
  const close = (): void => setOpen(undefined);
  const done = (): void => {
    draft.value = undefined;
    onDone();
  };
  return (
    <>
      <Section
        title={`Budget, set by the ${scope.role}`}
        note={
          stored.document !== undefined
            ? 'in force'
            : takesDefault
              ? 'none set yet; the default policy is in force'
              : 'none set yet'
        }
      >
        <form
          ref={ref}
          onSubmit={(event) => {
            event.preventDefault();
            if (changed.ok && !isSame) setOpen('review');
            else refuse();
          }}
        >
          {draft.value !== undefined && stored.etag !== base.etag ? (
            <Notice tone="warn">
              This policy changed while you were editing. You will see both versions before you
              save.
            </Notice>
          ) : null}
          {takesDefault ? (
            <p class="lead muted">
              These are the values of the default policy. A policy of the operator takes its place
              for this agent: a field that you empty sets no limit then.
            </p>
          ) : null}
          <BudgetForm
            form={form}
            faults={changed.ok ? {} : changed.error}
            limits={limits}
            role={scope.role}
            sellsForDollars={hasDollars}
            onChange={change}
          />
          {isTried && isSame ? (
            <Notice tone="bad">
              There is nothing to review: these are the limits in force. Change a field first.
            </Notice>
          ) : null}
          <div class="acts">
            <button type="submit" class="primary">
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
            {etag === undefined ? null : (
              <button
                type="button"
                class="danger"
                onClick={() => setOpen({ what: 'removal', etag })}
              >
                Remove this policy
              </button>
            )}
          </div>
        </form>
      </Section>
      {open === 'review' && changed.ok ? (
        <BudgetReview
          slot={slot}
          base={base}
          standing={standing}
          changed={changed.value}
          onRebase={(theirs) => {
            draft.value = { form, base: theirs };
          }}
          onSaved={done}
          onClose={close}
        />
      ) : null}
      {typeof open === 'object' ? (
        <RemovePolicy slot={slot} etag={open.etag} onDone={done} onClose={close} />
      ) : null}
    </>
  );
};
