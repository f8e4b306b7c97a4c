import type { Denial, DenialRule } from '../../durable-objects/agent-account/contract.ts';
import { formatDollars } from './amount.ts';

/** What an agent, or whoever runs it, can do about a denial. One sentence each. */
const HINTS: Readonly<Record<DenialRule, string>> = {
  paused: 'The account is paused: ask its owner or the operator to resume it.',
  tool: 'Call a tool that this account is allowed to use, or ask its owner to allow this one.',
  payee: 'Ask the owner of the account to allow payments to the payTo address of the offer.',
  asset:
    'Pay in an asset that the account is allowed to spend, or ask its owner to allow this one.',
  per_call: 'Choose a cheaper call, or ask the owner or the operator to raise the cap per call.',
  window: 'Wait until resets_at, then sign and send the call again.',
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
};

const SUBJECTS: Readonly<Record<DenialRule, string>> = {
  paused: 'The account is paused.',
  tool: 'This tool is not allowed for the account.',
  payee: 'This payee is not allowed for the account.',
  asset: 'This asset is not allowed for the account.',
  per_call: 'The price is above the cap per call.',
  window: 'The price is more than what the window has left.',
  exposure: 'Too much of what this account promised to pay has not settled yet.',
  balance: 'The balance does not cover this call together with the payments that are on their way.',
  rate: 'The account calls too often.',
  debt: 'The account owes for an earlier call.',
  credit: 'The credit does not cover the price.',
  nonce_used: 'The nonce of the authorization is spent.',
  penniless: 'The balance does not cover the price.',
  binding: 'The proof is not bound to the request as strongly as this call needs.',
  validity: 'The proof is valid for longer or at other times than the account allows.',
};

/** The members of a denial's problem (law 8): rule, what was spent, what is left, when it resets, whether a retry can help. */
export const denialMembers = (
  denial: Denial,
  tool: string,
  price: bigint,
): { readonly detail: string; readonly hint: string; readonly [member: string]: unknown } => {
  const { limit } = denial;
  return {
    detail: SUBJECTS[denial.rule] + amounts(denial, price),
    hint: HINTS[denial.rule],
    rule: denial.rule,
    account: denial.account,
    tool,
    price: price.toString(),
    ...(limit === undefined
      ? {}
      : {
          limit: limit.limit,
          spent: limit.spent,
          held: limit.held,
          remaining: limit.remaining,
          ...(limit.window === undefined ? {} : { window: limit.window }),
          ...(limit.resetsAt === undefined ? {} : { resets_at: limit.resetsAt }),
        }),
    retry_allowed: denial.retryAllowed,
    policy: denial.policy,
  };
};

/** Amounts for people; a rate counts calls, not money. */
const amounts = ({ rule, limit }: Denial, price: bigint): string => {
  if (limit === undefined) return '';
  if (rule === 'rate') return ` Limit: ${limit.limit} calls in ${limit.window ?? 1} seconds.`;
  const of = formatDollars(BigInt(limit.limit));
  const left = formatDollars(BigInt(limit.remaining));
  return ` Price ${formatDollars(price)}, limit ${of}, left ${left}.`;
};

/** Seconds after which a denied call may be sent again, where waiting helps. */
export const retryAfterOf = (denial: Denial): number | undefined =>
  denial.retryAllowed ? denial.retryAfter : undefined;
