import type { ProblemBody } from '../../client/errors.ts';
import type { RuleOnWire } from './rule-name.ts';

/** `wait`: "Wait 45 s"; undefined where waiting does not help. */
type Words = string | ((wait: string | undefined) => string);

const orWait =
  (otherwise: string): Words =>
  (wait) =>
    wait === undefined ? otherwise : `${wait}, then try again.`;

/** The next step of the caller of a denied call, by the rule that denied it. The build fails for a rule without words. */
const HINTS: Readonly<Record<RuleOnWire, Words>> = {
  per_call: 'Make a cheaper call, or ask the owner of the budget to raise what one call may cost.',
  window: orWait(
    'Waiting does not help: make a cheaper call, or ask the owner of the budget to raise the limit.',
  ),
  lifetime: 'Waiting does not help: ask the owner of the budget for a new grant or a higher limit.',
  exposure: orWait('Wait until earlier payments have settled, then try again.'),
  rate: orWait('Wait a moment, then try again.'),
  repeat: (wait) =>
    `This looks like a loop. Change the request${wait === undefined ? '' : `, or w${wait.slice(1)} before you send the same one`}.`,
  tool: 'Use a tool that this account may call, or ask the owner of the budget to allow this one.',
  payee: 'Ask the owner of the budget to allow payments to this gateway.',
  asset: 'Pay in another currency, or ask the owner of the budget to allow this one.',
  deny: 'Change what you typed, or ask the owner of the budget to change the rule.',
  require: 'Change what you typed to what the rule allows, or ask the owner of the budget.',
  binding: 'Use a client that signs the exact request. This page does.',
  validity: 'Try again, and confirm sooner in the wallet.',
  not_yet: orWait('The budget is not valid yet: ask its owner when it will be.'),
  expired: 'The budget has ended: ask its owner for a new one.',
  approval:
    'This account has paid nothing here yet, so its calls cannot wait for an approval. Make a cheaper call first.',
  approval_queue: orWait('Ask the owner of the budget to decide on the calls that wait.'),
  paused: 'The account is paused: ask its owner or the operator to resume it.',
  frozen: 'The account is frozen: ask its owner or the operator to resume it.',
  revoked: 'The account is revoked for good: ask the owner for a new budget.',
  balance: (wait) =>
    wait === undefined
      ? 'Send more money to the wallet on this network, then try again.'
      : `Send more money to the wallet, or w${wait.slice(1)} for its earlier payments to settle. Then try again.`,
  credit: 'Buy credit for this account, then try again.',
  debt: 'Pay what the account owes by buying that much credit, then try again.',
  suspended: (wait) =>
    `Make sure that the wallet can pay, or use another one. ${wait ?? 'Wait a moment'}, then try again.`,
  penniless: 'Send money to the wallet on this network, then try again.',
  nonce_used: 'Try again: the wallet signs a new payment.',
  authority: 'Ask the owner of the budget for a grant that this call can use.',
  unreachable: orWait('Try again in a moment.'),
  denial_rate: (wait) =>
    `Look at why the earlier calls were denied. ${wait ?? 'Wait a moment'} before the next one.`,
  failure_rate: (wait) =>
    `${wait ?? 'Wait a moment'} before each call, until the payments of the failed calls have expired.`,
};

const known = (rule: string): rule is RuleOnWire => Object.hasOwn(HINTS, rule);

export const denialHint = ({ rule, retry_after: after }: ProblemBody, wait: string): string => {
  const name = typeof rule === 'string' ? rule : '';
  const words = known(name) ? HINTS[name] : 'Ask the owner of the budget about this rule.';
  return typeof words === 'string' ? words : words(after === undefined ? undefined : wait);
};
