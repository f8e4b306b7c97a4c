import type { PartProps } from './part-props.ts';
import { Section } from '../../parts/page.tsx';
import { BindingPolicies } from './binding-policies.tsx';
import { BudgetEditor } from './budget-editor.tsx';

const BOTH_BIND =
  'The operator and the owner each have a policy for an agent. A call must satisfy both, and the grant that it uses.';

/** The policy that this person may write for an account, and the policies of others that also bind the account. */
export const AgentBudget = (props: PartProps) => {
  const { account, scope, standing } = props;
  const mayWrite =
    scope.role === 'operator' || account !== scope.account || standing.parent === undefined;
  return (
    <>
      {mayWrite ? (
        <BudgetEditor {...props} />
      ) : (
        <p class="muted">Only your owner may change your budget.</p>
      )}
      <Section title="All rules that apply" note={BOTH_BIND}>
        <BindingPolicies policies={standing.policies} />
      </Section>
    </>
  );
};
