import type { Denial, DenialRule } from '../account/denial.ts';
import { formatDollars } from '../amount.ts';
import { limitBody } from '../limit.ts';
import { retryAfter, type Texts } from './problem-text.ts';

/** A rule or a limit denies the call. `price` in atomic units. */
export type DeniedReason = {
  readonly reason: 'denied';
  readonly denial: Denial;
  readonly tool: string;
  readonly price: bigint;
};

export const deniedTexts: Texts<DeniedReason> = {
  denied: ({ denial, tool, price }) => {
    const { subject, hint } = wordingOf(denial, tool);
    const after = denial.retryAllowed ? denial.retryAfter : undefined;
    return {
      status: after === undefined ? 403 : 429,
      title: 'Denied',
      detail: subject + amounts(denial, price),
      hint,
      more: membersOf(denial, tool, price),
      ...(after === undefined ? {} : { headers: retryAfter(after) }),
    };
  },
};

/** The members that let a program act on a denial (law 8): rule, spent, remaining, reset, and whether a retry can help. */
const membersOf = (
  { limit, param, grant, authority, ...denial }: Denial,
  tool: string,
  price: bigint,
): Readonly<Record<string, unknown>> => ({
  ...(limit === undefined ? {} : limitBody(limit)),
  // Overwrites the limit's own rule and account: only the denial names the rule that denies.
  rule: denial.rule,
  account: denial.account,
  tool,
  price: price.toString(),
  ...(param === undefined ? {} : { param }),
  ...(grant === undefined ? {} : { grant }),
  ...(authority === undefined ? {} : { authority }),
  retry_allowed: denial.retryAllowed,
  policy: denial.policy,
});

/** The amounts of the limit, for people. A rate and repeats count calls instead of money. */
const amounts = ({ rule, limit }: Denial, price: bigint): string => {
  if (limit === undefined) return '';
  if (rule.endsWith('rate') || rule === 'repeat') {
    const calls = limit.limit === '1' ? '1 call' : `${limit.limit} calls`;
    return ` Limit: ${calls} in ${limit.window ?? 1} seconds.`;
  }
  const [whole, spent, remaining] = [limit.limit, limit.spent, limit.remaining].map((text) =>
    formatDollars(BigInt(text)),
  );
  // A debt has limit zero; `spent` holds the amount of the debt.
  if (rule === 'debt') return ` It owes ${spent}.`;
  if (rule === 'suspended') return ` Not collected: ${spent}.`;
  const noun = rule === 'balance' || rule === 'credit' ? rule : 'limit';
  return ` Price ${formatDollars(price)}, ${noun} ${whole}, remaining ${remaining}.`;
};

/** What happened, and what the agent or its owner can do. */
type Wording = { readonly subject: string; readonly hint: string };

/** The wording of a rule. Some rules deny for two reasons; the content of the denial tells which. */
const wordingOf = ({ rule, retryAfter: after }: Denial, tool: string): Wording => {
  if (rule === 'window' && after === undefined) return ABOVE_WHOLE_WINDOW;
  if (rule === 'balance' && after === undefined) return BALANCE_TOO_LOW;
  if (rule === 'credit' && tool === 'countersign.credits') return TOP_UP;
  return WORDING[rule];
};

/** The window is smaller than the price, so no new period lets the call pass. */
const ABOVE_WHOLE_WINDOW: Wording = {
  subject: 'The price is above the whole limit of the window.',
  hint: 'Waiting does not help: choose a cheaper call, or ask the owner of `account` to raise the limit.',
};

/** No earlier payment is open whose settlement could free the balance. */
const BALANCE_TOO_LOW: Wording = {
  subject: 'The balance does not cover the price.',
  hint: 'Add funds to the paying account on this chain, then sign and send the call again.',
};

/** `POST /credits`: the rule `credit` limits the credit that an account may hold. */
const TOP_UP: Wording = {
  subject: 'The account cannot take this top-up.',
  hint: 'Pay for a top-up with a payment, never with credit, and with at most `remaining` of the credit that an account may hold.',
};

const WORDING: Readonly<Record<DenialRule, Wording>> = {
  frozen: {
    subject: 'The account is frozen.',
    hint: 'Ask the account that froze `account` to resume it. No signature of an agent can.',
  },
  paused: {
    subject: 'The account is paused.',
    hint: 'Ask the owner of `account` or the operator to resume it.',
  },
  revoked: {
    subject: 'The grant or the account is revoked.',
    hint: 'A revocation is permanent: ask the owner for a new grant, with a new id.',
  },
  expired: {
    subject: 'The grant or policy has expired.',
    hint: 'Ask the owner for a new grant, or for a later end of the policy.',
  },
  not_yet: {
    subject: 'The grant or policy is not valid yet.',
    hint: 'It becomes valid in `retry_after` seconds: sign and send the call again then.',
  },
  deny: {
    subject: 'A deny rule of the policy matches this call.',
    hint: 'Call another tool or send other values of `param`, or ask the owner of `account` to change the rule.',
  },
  require: {
    subject:
      'A rule of the policy requires another value of `param`, or one that the gateway can read.',
    hint: 'Send `param` exactly once, with a value of a simple type that the rule allows.',
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
    hint: 'Choose a cheaper call, or ask the owner of `account` to raise the cap.',
  },
  window: {
    subject: 'The price is above the remaining amount of the window.',
    hint: 'Wait until `resets_at`, `retry_after` seconds from now, then sign and send the call again.',
  },
  lifetime: {
    subject: 'The price is above the remaining amount of the lifetime limit.',
    hint: 'Waiting does not help: ask the owner for a new grant, or for a higher limit.',
  },
  repeat: {
    subject: 'The account sent the same request too often.',
    hint: 'This looks like a loop: send another request, or wait `retry_after` seconds before you send the same one.',
  },
  exposure: {
    subject: 'Too many accepted payments of this account have not settled yet.',
    hint: 'Wait `retry_after` seconds for earlier payments to settle on the chain, then sign and send the call again.',
  },
  balance: {
    subject:
      'The balance does not cover this call together with the payments that have not settled yet.',
    hint: 'Add funds to the paying account, or wait `retry_after` seconds for its earlier payments to settle, then sign and send the call again.',
  },
  rate: {
    subject: 'The account calls too often.',
    hint: 'Wait until `resets_at`, `retry_after` seconds from now, then sign and send the call again.',
  },
  debt: {
    subject: 'The account has not paid for an earlier call.',
    hint: 'Pay the debt of the account with POST /credits?amount=<atomic units>, then send the call again.',
  },
  suspended: {
    subject:
      'The gateway could not collect an earlier payment of this account, and is already settling another call of it.',
    hint: 'The gateway settles calls of this account first, one at a time, until the earlier payment has ended, by `resets_at` at the latest. Make the paying account able to pay (its balance, its code, its standing with the token) or use another one, then sign and send the call again in `retry_after` seconds.',
  },
  credit: {
    subject: 'The credit does not cover the price.',
    hint: 'Top up the account with POST /credits?amount=<atomic units>, then send the call again. If the tool accepts payments, you can sign one instead.',
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
    subject: 'The policy requires a proof that is bound to the request.',
    hint: 'Bind the payment to the request with the agent-intent extension that the 402 offer advertises, then sign again.',
  },
  validity: {
    subject:
      'The proof is valid for longer than the policy allows, or a plain key signed for an account that is a contract now.',
    hint: 'Sign again with a shorter validity. Sign for a contract account through its contract (ERC-1271).',
  },
  authority: {
    subject: 'The account holds no such grant, or none that this call can use.',
    hint: 'Name in `authority` a grant that GET /accounts/me shows or that an issuer offered to this account, or zero for the default one. PUT /delegations registers a grant.',
  },
  unreachable: {
    subject: 'An ancestor of this account did not answer how much of its limits remains.',
    hint: 'Send the same request again after `retry_after` seconds.',
  },
  denial_rate: {
    subject: 'The gateway denied too many calls and dry runs of this account.',
    hint: 'Earlier denials give the reasons: stop sending such calls. The gateway decides another one in `retry_after` seconds.',
  },
  failure_rate: {
    subject: 'Too many calls of this account failed while their payments could still settle.',
    hint: 'Wait `retry_after` seconds before each call, until the authorizations of the failed calls have expired. The gateway does not limit calls paid from credit.',
  },
};
