import type { EntryEvent } from '../../../client/management-events.ts';
import { stringMember } from '../../format/denial-text.ts';

/** Rules that only another grant changes. */
const OF_GRANTS = ['authority', 'expired', 'not_yet'];
const OF_STATUS = ['paused', 'frozen'];
/** Rules that credit of the account ends. */
const OF_CREDIT = ['credit', 'debt'];
/** Rules of policies. The others depend on money, on the signature of the call or on the gateway. */
const OF_POLICIES = [
  ...['per_call', 'window', 'lifetime', 'exposure', 'rate', 'repeat', 'tool', 'payee', 'asset'],
  ...['deny', 'require', 'binding', 'validity', 'approval_queue', 'denial_rate', 'failure_rate'],
];

/** The page on which a person changes the rule that denied a call; undefined if no page does. */
export const denialRemedy = ({
  rule = '',
  outcome = {},
  account,
}: Pick<EntryEvent, 'rule' | 'outcome' | 'account'>):
  | { readonly href: string; readonly text: string }
  | undefined => {
  const page = `/agents/${stringMember(outcome, 'account') ?? account}`;
  const limit = stringMember(outcome['limit'], 'rule') ?? '';
  if (limit.startsWith('grant:') || OF_GRANTS.includes(rule)) {
    return { href: `${page}?tab=grants`, text: 'See its grants, and replace one' };
  }
  if (OF_STATUS.includes(rule)) return { href: page, text: 'See its status, and change it' };
  if (OF_CREDIT.includes(rule)) return { href: page, text: 'See its credit' };
  return OF_POLICIES.includes(rule)
    ? { href: `${page}?tab=budget`, text: 'See the rules that apply, and change the budget' }
    : undefined;
};
