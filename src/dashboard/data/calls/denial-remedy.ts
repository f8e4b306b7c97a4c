import { wordsOfRule } from '../../../policy/denial-words.ts';
import type { Facts } from '../../../protocol/log/facts.ts';

/** The parts of an account's page, and the action that a person takes there. */
const PARTS = {
  grants: { query: '?tab=grants', text: 'See its grants, and replace one' },
  status: { query: '', text: 'See its status, and change it' },
  credit: { query: '', text: 'See its credit' },
  budget: { query: '?tab=budget', text: 'See the rules that apply, and change the budget' },
} as const;

/** The page on which a person changes the rule that denied a call; undefined if no page does. */
export const denialRemedy = ({
  rule = '',
  outcome,
  account,
}: Pick<Facts<'call.denied'>, 'rule' | 'outcome' | 'account'>):
  | { readonly href: string; readonly text: string }
  | undefined => {
  const isGrant = outcome.limit?.rule?.startsWith('grant:') === true;
  const part = isGrant ? 'grants' : wordsOfRule(rule)?.changedAt;
  if (part === undefined) return undefined;
  const { query, text } = PARTS[part];
  return { href: `/agents/${outcome.account ?? account}${query}`, text };
};
