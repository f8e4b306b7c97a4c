import type { Denial, DenialRule } from '../account/denial.ts';
import { formatDollars } from '../amount.ts';
import { limitBody } from '../limit.ts';

/** What a denial says: what happened, and what the agent or its owner can do. */
type Words = { readonly subject: string; readonly hint: string };

/** One pair a rule; where a rule refuses for two reasons, `wordsOf` picks by what the denial holds. */
const WORDS: Readonly<Record<DenialRule, Words>> = {
  frozen: {
    subject: 'The account is frozen.',
    hint: 'Ask whoever froze `account` to resume it; nothing that an agent signs can.',
  },
  paused: {
    subject: 'The account is paused.',
    hint: 'Ask the owner of `account` or the operator to resume it.',
  },
  revoked: {
    subject: 'The grant or the account is revoked.',
    hint: 'A revoked grant never comes back: ask the owner for a new one, with a new id.',
  },
  expired: {
    subject: 'The grant or policy has ended.',
    hint: 'Ask the owner for a new grant, or for a later end of the policy.',
  },
  not_yet: {
    subject: 'The grant or policy has not begun.',
    hint: 'It begins in `retry_after` seconds: sign and send the call again then.',
  },
  deny: {
    subject: 'A rule forbids this call.',
    hint: 'Call another tool or send other values of `param`, or ask whoever wrote the rule to change it.',
  },
  require: {
    subject: 'A rule wants another value of `param`, or one that the gateway can read.',
    hint: 'Send `param` with a value that the rule allows: once, and of a simple type.',
  },
  tool: {
    subject: 'The account may not call this tool.',
    hint: 'Call a tool that this account may use, or ask its owner to allow this one.',
  },
  payee: {
    subject: 'The account may not pay this payee.',
    hint: 'Ask the owner of the account to allow payments to the payTo address of the offer.',
  },
  asset: {
    subject: 'The account may not spend this asset.',
    hint: 'Pay in an asset that the account may spend, or ask its owner to allow this one.',
  },
  per_call: {
    subject: 'The price is above the cap per call.',
    hint: 'Choose a cheaper call, or ask whoever set the limit of `account` to raise it.',
  },
  window: {
    subject: 'The price is more than what the window has left.',
    hint: 'Wait until `resets_at`, `retry_after` seconds from now, then sign and send the call again.',
  },
  lifetime: {
    subject: 'The price is more than what is left for good.',
    hint: 'Waiting does not help: ask the owner for a new grant, or for a higher limit.',
  },
  repeat: {
    subject: 'The account sent the same request too often.',
    hint: 'This looks like a loop: send something else, or the same no sooner than in `retry_after` seconds.',
  },
  exposure: {
    subject: 'Too much of what this account promised to pay has not settled yet.',
    hint: 'Wait `retry_after` seconds for earlier payments to settle on the chain, then sign and send the call again.',
  },
  balance: {
    subject:
      'The balance does not cover this call together with the payments that are on their way.',
    hint: 'Add funds to the paying account, or wait `retry_after` seconds for its earlier payments to settle, then sign and send the call again.',
  },
  rate: {
    subject: 'The account calls too often.',
    hint: 'Wait until `resets_at`, `retry_after` seconds from now, then sign and send the call again.',
  },
  debt: {
    subject: 'An earlier call of this account was never paid.',
    hint: 'Pay what the account owes with POST /credits?amount=<atomic units>, then send the call again.',
  },
  suspended: {
    subject:
      'The gateway could not collect an earlier payment of this account, and tries another one.',
    hint: 'Calls are settled first, one at a time, until the earlier payment has ended, by `resets_at` at the latest. Make the paying account able to pay (its balance, its code, its standing with the token) or use another one, then sign and send the call again in `retry_after` seconds.',
  },
  credit: {
    subject: 'The credit does not cover the price.',
    hint: 'Top up the account with POST /credits?amount=<atomic units>, then send the call again; where the tool takes payments, sign one instead.',
  },
  nonce_used: {
    subject: 'The chain shows the nonce of the authorization as used or cancelled.',
    hint: 'Sign a new authorization with a new random nonce.',
  },
  penniless: {
    subject: 'The account holds no money on this chain and has paid nothing here.',
    hint: 'Add funds to the account, or pay for a call or a top-up with it, then sign and send the call again.',
  },
  binding: {
    subject: 'The proof is not bound to the request as strongly as this call needs.',
    hint: 'Bind the payment to the request with the agent-intent extension that the 402 offer advertises, then sign again.',
  },
  validity: {
    subject: 'The account does not accept the validity of this proof.',
    hint: 'Sign again with a shorter validity; an account with code signs by its contract.',
  },
  authority: {
    subject: 'The account has taken no such grant, or none that this call could use.',
    hint: 'Name in `authority` a grant that GET /accounts/me shows or that was offered to this account, or zero for the default one; PUT /delegations registers grants.',
  },
  unreachable: {
    subject: 'An account above this one did not say what is left of its limits.',
    hint: 'Send the same request again after `retry_after` seconds.',
  },
  denial_rate: {
    subject: 'Too many calls and dry runs of this account were denied.',
    hint: 'Earlier denials say why: send no more calls like those. Another one is decided `retry_after` seconds from now.',
  },
  failure_rate: {
    subject: 'Too many calls of this account failed while their payments could still be settled.',
    hint: 'Wait `retry_after` seconds before each call, until the authorizations signed for failed calls have ended; calls paid from credit are not limited.',
  },
};

/** A window that is smaller than the price: no new period will let the call pass. */
const NEVER_FITS: Words = {
  subject: 'The price is above the whole limit of the window.',
  hint: 'Waiting does not help: choose a cheaper call, or ask whoever set the limit of `account` to raise it.',
};

/** No payment is on its way that could make room. */
const TOO_POOR: Words = {
  subject: 'The balance does not cover the price.',
  hint: 'Add funds to the paying account on this chain, then sign and send the call again.',
};

/** `POST /credits` is refused by its own rule `credit`, which then speaks of what the account may hold. */
const TOP_UP: Words = {
  subject: 'The account cannot take this top-up.',
  hint: 'Send a payment for a top-up, which no credit can buy, and at most what `remaining` leaves of the credit that an account may hold.',
};

const wordsOf = ({ rule, retryAfter }: Denial, tool: string): Words => {
  if (rule === 'window' && retryAfter === undefined) return NEVER_FITS;
  if (rule === 'balance' && retryAfter === undefined) return TOO_POOR;
  if (rule === 'credit' && tool === 'countersign.credits') return TOP_UP;
  return WORDS[rule];
};

/** The members of a denial's problem (law 8): rule, what was spent, what is left, when it resets, whether a retry can help. */
export const denialMembers = (
  denial: Denial,
  tool: string,
  price: bigint,
): { readonly detail: string; readonly hint: string; readonly [member: string]: unknown } => {
  const { limit, param, grant, authority } = denial;
  const { subject, hint } = wordsOf(denial, tool);
  return {
    detail: subject + amounts(denial, price),
    hint,
    ...(limit === undefined ? {} : limitBody(limit)),
    // After the limit's own: what is said of a limit is also whose it is, but only the denial names what refuses.
    rule: denial.rule,
    account: denial.account,
    tool,
    price: price.toString(),
    ...(param === undefined ? {} : { param }),
    ...(grant === undefined ? {} : { grant }),
    ...(authority === undefined ? {} : { authority }),
    retry_allowed: denial.retryAllowed,
    policy: denial.policy,
  };
};

/** Amounts for people; a rate and repeats count calls, not money. */
const amounts = ({ rule, limit }: Denial, price: bigint): string => {
  if (limit === undefined) return '';
  if (rule.endsWith('rate') || rule === 'repeat') {
    const calls = limit.limit === '1' ? '1 call' : `${limit.limit} calls`;
    return ` Limit: ${calls} in ${limit.window ?? 1} seconds.`;
  }
  const [whole, spent, left] = [limit.limit, limit.spent, limit.remaining].map((text) =>
    formatDollars(BigInt(text)),
  );
  // Of a debt the limit is nothing, and what is owed counts as spent.
  if (rule === 'debt') return ` It owes ${spent}.`;
  if (rule === 'suspended') return ` Not collected: ${spent}.`;
  const noun = rule === 'balance' || rule === 'credit' ? rule : 'limit';
  return ` Price ${formatDollars(price)}, ${noun} ${whole}, left ${left}.`;
};

/** Seconds after which a denied call may be sent again, where waiting helps. */
export const retryAfterOf = (denial: Denial): number | undefined =>
  denial.retryAllowed ? denial.retryAfter : undefined;
