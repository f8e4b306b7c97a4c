import type {
  Denial,
  DenialRule,
  LimitState,
} from '../../durable-objects/agent-account/contract.ts';
import { formatDollars } from './amount.ts';

/** What an agent, or whoever runs it, can do about a denial. One sentence each. */
const HINTS: Readonly<Record<DenialRule, string>> = {
  frozen: 'Whoever froze `account` has to lift that; nothing an agent signs can.',
  paused: 'The account is paused: ask its owner or the operator to resume it.',
  revoked: 'A revoked grant never comes back: ask the owner for a new one, with a new id.',
  expired: 'Ask the owner for a new grant, or for a later end of the policy.',
  not_yet: 'It begins when Retry-After is over: sign and send the call again then.',
  deny: 'Call another tool or with other values of `param`, or ask whoever wrote the rule to change it.',
  require: 'Send `param` with a value that the rule allows: once, and of a simple type.',
  tool: 'Call a tool that this account is allowed to use, or ask its owner to allow this one.',
  payee: 'Ask the owner of the account to allow payments to the payTo address of the offer.',
  asset:
    'Pay in an asset that the account is allowed to spend, or ask its owner to allow this one.',
  per_call: 'Choose a cheaper call, or ask the owner or the operator to raise the cap per call.',
  window: 'Wait until resets_at, then sign and send the call again.',
  lifetime: 'Waiting does not help: ask the owner for a new grant, or for a higher limit.',
  repeat:
    'This looks like a loop: send something else, or the same no sooner than Retry-After says.',
  exposure:
    'Wait until earlier payments have settled on the chain, usually some seconds, then sign and send the call again.',
  balance:
    'Add funds to the paying account, or wait for its earlier payments to settle, then sign and send the call again.',
  rate: 'Wait for as long as Retry-After says, then sign and send the call again.',
  debt: 'An earlier call of this account was never paid. Pay what is owed with POST /credits?amount=<atomic units>, then send the call again.',
  credit:
    'Top up the account with POST /credits?amount=<atomic units>, then send the call again; where the tool offers it, a payment will do as well.',
  nonce_used:
    'This authorization was already used or cancelled on the chain: sign a new one with a new random nonce.',
  penniless:
    'The paying account holds less than the price: add funds on the offered network, then sign again.',
  binding:
    'Bind the payment to the request with the agent-intent extension that the 402 offer advertises, then sign again.',
  validity: 'Sign again with times inside the validity that the account allows.',
  authority:
    'Name in `authority` a grant that GET /accounts/me shows, or zero for the default one; grants are registered with PUT /delegations.',
  unreachable:
    'An account above did not say what is left of its limits: send the same request again after Retry-After.',
};

const SUBJECTS: Readonly<Record<DenialRule, string>> = {
  frozen: 'The account is frozen.',
  paused: 'The account is paused.',
  revoked: 'The grant or the account is revoked.',
  expired: 'The grant or policy has ended.',
  not_yet: 'The grant or policy has not begun.',
  deny: 'A rule forbids this call.',
  require: 'A rule wants another value, or one that can be told.',
  tool: 'This tool is not allowed for the account.',
  payee: 'This payee is not allowed for the account.',
  asset: 'This asset is not allowed for the account.',
  per_call: 'The price is above the cap per call.',
  window: 'The price is more than what the window has left.',
  lifetime: 'The price is more than what is left for good.',
  repeat: 'The same request came too often.',
  exposure: 'Too much of what this account promised to pay has not settled yet.',
  balance: 'The balance does not cover this call together with the payments that are on their way.',
  rate: 'The account calls too often.',
  debt: 'The account owes for an earlier call.',
  credit: 'The credit does not cover the price.',
  nonce_used: 'The nonce of the authorization is spent.',
  penniless: 'The balance does not cover the price.',
  binding: 'The proof is not bound to the request as strongly as this call needs.',
  validity: 'The proof is valid for longer or at other times than the account allows.',
  authority: 'The account holds no such grant, or none that this call could use.',
  unreachable: 'An account above this one did not answer.',
};

/** The members of a denial's problem (law 8): rule, what was spent, what is left, when it resets, whether a retry can help. */
export const denialMembers = (
  denial: Denial,
  tool: string,
  price: bigint,
): { readonly detail: string; readonly hint: string; readonly [member: string]: unknown } => {
  const { limit, param, grant } = denial;
  return {
    detail: SUBJECTS[denial.rule] + amounts(denial, price),
    hint: HINTS[denial.rule],
    ...(limit === undefined ? {} : limitBody(limit)),
    // After the limit's own: what is said of a limit is also whose it is, but only the denial names what refuses.
    rule: denial.rule,
    account: denial.account,
    tool,
    price: price.toString(),
    ...(param === undefined ? {} : { param }),
    ...(grant === undefined ? {} : { grant }),
    retry_allowed: denial.retryAllowed,
    policy: denial.policy,
  };
};

/** The wire form of a limit. */
export const limitBody = ({ resetsAt, ...limit }: LimitState) => ({
  ...limit,
  ...(resetsAt === undefined ? {} : { resets_at: resetsAt }),
});

/** Amounts for people; a rate and repeats count calls, not money. */
const amounts = ({ rule, limit }: Denial, price: bigint): string => {
  if (limit === undefined) return '';
  if (rule === 'rate' || rule === 'repeat') {
    return ` Limit: ${limit.limit} calls in ${limit.window ?? 1} seconds.`;
  }
  const of = formatDollars(BigInt(limit.limit));
  const left = formatDollars(BigInt(limit.remaining));
  return ` Price ${formatDollars(price)}, limit ${of}, left ${left}.`;
};

/** Seconds after which a denied call may be sent again, where waiting helps. */
export const retryAfterOf = (denial: Denial): number | undefined =>
  denial.retryAllowed ? denial.retryAfter : undefined;
