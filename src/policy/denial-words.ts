import { accountRuleWords } from '../protocol/problem/account-rule.ts';
import { orWait, type RuleWords } from '../protocol/problem/words.ts';
import type { CountsOf, PolicyDenial } from './policy.ts';

const WIDER_LIMIT =
  'Waiting does not help: make a cheaper call, or ask the owner of the budget to raise the limit.';

/** The words of every denial by a policy for people, in the order of filters. Separate from the rules, so that a page loads no checks. */
const policyDenialWords: { readonly [Name in PolicyDenial]: RuleWords & CountsOf<Name> } = {
  per_call: {
    name: 'per call',
    page: 'Make a cheaper call, or ask the owner of the budget to raise what one call may cost.',
    command: ({ widen, price }) => `Choose a cheaper call, or ${widen(`--per-call ${price}`)}.`,
    changedAt: 'budget',
  },
  window: {
    name: 'limit of a period',
    page: orWait(WIDER_LIMIT),
    command: ({ widen, needed, perWindow, mayWait }) =>
      `${mayWait ? 'Wait until the limit resets' : 'Choose a cheaper call'}, or ${widen(`${perWindow} ${needed}`)}.`,
    changedAt: 'budget',
  },
  lifetime: {
    name: 'in total',
    page: 'Waiting does not help: ask the owner of the budget for a new grant or a higher limit.',
    command: ({ widen, needed }) => `Waiting does not help: ${widen(`--lifetime ${needed}`)}.`,
    changedAt: 'budget',
  },
  exposure: {
    name: 'not settled yet',
    page: orWait('Wait until earlier payments have settled, then try again.'),
    command: ({ who, price }) =>
      `Wait until earlier payments have settled, or pay from credit: \`countersign credits top-up ${price} --to ${who}\` buys enough for this call.`,
    changedAt: 'budget',
  },
  rate: {
    counts: 'calls',
    name: 'rate of calls',
    page: orWait('Wait a moment, then try again.'),
    command: undefined,
    changedAt: 'budget',
  },
  repeat: {
    counts: 'calls',
    name: 'same request again',
    page: (wait) =>
      `This looks like a loop. Change the request${wait === undefined ? '' : `, or w${wait.slice(1)} before you send the same one`}.`,
    command: undefined,
    changedAt: 'budget',
  },
  tool: {
    name: 'tool not allowed',
    page: 'Use a tool that this account may call, or ask the owner of the budget to allow this one.',
    command: ({ tool, widen }) => `Call a tool that it may use, or ${widen(`--tools +${tool}`)}.`,
    changedAt: 'budget',
  },
  payee: {
    name: 'payee not allowed',
    page: 'Ask the owner of the budget to allow payments to this gateway.',
    command: ({ widen }) =>
      `To allow this payee, which the 402 of the tool names as payTo, ${widen('--payees +<payTo>')}.`,
    changedAt: 'budget',
  },
  asset: {
    name: 'asset not allowed',
    page: 'Pay in another currency, or ask the owner of the budget to allow this one.',
    command: ({ who }) => `\`countersign policy get ${who}\` shows the assets that it may pay in.`,
    changedAt: 'budget',
  },
  deny: {
    name: 'forbidden by a condition',
    page: 'Change what you typed, or ask the owner of the budget to change the rule.',
    command: ({ who }) => `\`countersign policy get ${who}\` shows the rule: send other values.`,
    changedAt: 'budget',
  },
  require: {
    name: 'a condition is not met',
    page: 'Change what you typed to what the rule allows, or ask the owner of the budget.',
    command: ({ who }) =>
      `\`countersign policy get ${who}\` shows the rule: send values that it allows.`,
    changedAt: 'budget',
  },
  binding: {
    name: 'without an intent',
    page: 'Use a client that signs the exact request. This page does.',
    command: undefined,
    changedAt: 'budget',
  },
  validity: {
    name: 'valid for too long',
    page: 'Try again, and confirm sooner in the wallet.',
    command: undefined,
    changedAt: 'budget',
  },
  not_yet: {
    name: 'not valid yet',
    page: orWait('The budget is not valid yet: ask its owner when it will be.'),
    command: undefined,
    changedAt: 'grants',
  },
  expired: {
    name: 'expired',
    page: 'The budget has ended: ask its owner for a new one.',
    command: ({ widen }) => `To go on, ${widen('--until 1d')}.`,
    changedAt: 'grants',
  },
  approval: {
    name: 'needs approval',
    page: 'This account has paid nothing here yet, so its calls cannot wait for an approval. Make a cheaper call first.',
    command: () =>
      'Pay with a payment bound to its request, from an account that has credit or has paid here before.',
    changedAt: undefined,
  },
  approval_queue: {
    name: 'too many wait for approval',
    page: orWait('Ask the owner of the budget to decide on the calls that wait.'),
    command: ({ who }) =>
      `The owner decides the calls that wait: \`countersign approvals list --account ${who}\`.`,
    changedAt: 'budget',
  },
  paused: {
    name: 'paused',
    page: 'The account is paused: ask its owner or the operator to resume it.',
    command: ({ who }) =>
      `The account that paused it lifts it: \`countersign resume ${who}\`, with --operator if the operator did.`,
    changedAt: 'status',
  },
  frozen: {
    name: 'frozen',
    page: 'The account is frozen: ask its owner or the operator to resume it.',
    command: ({ who }) =>
      `The account that froze it lifts it: \`countersign resume ${who}\`, with --operator if the operator did. No signature of an agent can.`,
    changedAt: 'status',
  },
  revoked: {
    name: 'revoked',
    page: 'The account is revoked for good: ask the owner for a new budget.',
    command: ({ who, forCall, ofGrant, price }) =>
      ofGrant
        ? `A revocation is permanent. Its owner signs a new grant, at least for this call: \`countersign grant ${who} ${forCall}\`.`
        : `${who} is permanently revoked: no grant lets it call again. Its owner makes another agent: \`countersign fleet new team --agents 1 --per-day ${price}\`.`,
    changedAt: undefined,
  },
};

/** The words of every denial, by the name of its rule on the wire. */
export const denialWords = { ...policyDenialWords, ...accountRuleWords };

/** The words of a rule; undefined during a deploy, for a rule of a newer release. */
export const wordsOfRule = (rule: string): RuleWords | undefined =>
  Object.hasOwn(denialWords, rule) ? denialWords[rule as keyof typeof denialWords] : undefined;
