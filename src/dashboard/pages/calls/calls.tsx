import { useFilters } from '../../data/navigation/filters.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import type { PageProps } from '../../data/session/scope.ts';
import { ruleWords } from '../../../policy/rule-name.ts';
import { periodOf } from '../../format/period.ts';
import { dayOf } from '../../format/time.ts';
import { FilterBar } from '../../parts/filter-bar.tsx';
import { agentField, dayFields, toolField } from '../../parts/filter-fields.ts';
import { Page } from '../../parts/page.tsx';
import { AcceptedPart } from './accepted-part.tsx';
import { AgentsOfDays } from './agents-of-days.tsx';
import { DeniedPart } from './denied-part.tsx';
import { TreeCallList } from './tree-call-list.tsx';

const OUTCOMES = {
  held: 'held (running)',
  committed: 'committed (answered)',
  failed: 'failed (released or abandoned)',
  released: 'released (failed, not charged)',
  abandoned: 'abandoned (no answer)',
  denied: 'denied (by a rule)',
} as const;
type Outcome = keyof typeof OUTCOMES;
const isOutcome = (text: string | undefined): text is Outcome =>
  text !== undefined && text in OUTCOMES;

const DAYS = 30;

/** Calls of all accounts, of an owner and its agents, or of one account, newest first; or those that a rule denied. */
export const Calls = ({ scope }: PageProps) => {
  const [filters, change] = useFilters(['account', 'tool', 'outcome', 'rule', 'from', 'to']);
  const { account, tool, rule } = filters;
  const asked = rule === undefined ? filters.outcome : 'denied';
  const outcome = isOutcome(asked) ? asked : undefined;
  // Totals of denials are by day; by default of the last 30 days.
  const period = periodOf(filters, dayOf(gatewayNow()), DAYS);
  const when = outcome === 'denied' ? 'Denied' : 'Ended';
  const isOfTree = scope.role === 'owner' && account === undefined;
  const isDated = (filters.from ?? filters.to) !== undefined;
  return (
    <Page title="Calls">
      <FilterBar
        fields={[
          agentField(scope, account, 'all'),
          toolField(tool),
          {
            ...{ name: 'outcome', label: 'Outcome', type: 'select', words: OUTCOMES },
            value: outcome ?? '',
          },
          {
            ...{ name: 'rule', label: 'Denied by rule', type: 'select', words: ruleWords(rule) },
            value: rule ?? '',
          },
          ...dayFields(outcome === 'denied' ? period : filters, when),
        ]}
        onChange={(name, value) => {
          if (name === 'rule' && value !== '') change(name, value, { outcome: 'denied' });
          else if (name === 'outcome' && value !== 'denied') change(name, value, { rule: '' });
          else change(name, value);
        }}
      />
      {outcome === 'denied' ? (
        <DeniedPart scope={scope} filters={{ ...period, account, tool, rule }} />
      ) : isOfTree && isDated ? (
        <AgentsOfDays scope={scope} period={period} filters={{ tool, state: outcome }} />
      ) : isOfTree ? (
        <TreeCallList account={scope.account} filters={{ tool, state: outcome }} />
      ) : (
        <AcceptedPart
          filters={{ account, tool, state: outcome, from: filters.from, to: filters.to }}
        />
      )}
    </Page>
  );
};
