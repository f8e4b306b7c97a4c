import type { SettlementMode } from '../tool-terms.ts';
import { type Denial, limitBody } from '../account/denial.ts';
import { formatDollars } from '../amount.ts';
import { accountWordings, isAccountRule } from './account-rule.ts';
import { retryAfter, type Texts } from './problem-text.ts';
import type { Wording } from './words.ts';

/** A rule or a limit denies the call. `price` in atomic units. */
export type DeniedReason = {
  readonly reason: 'denied';
  readonly denial: Denial;
  readonly tool: string;
  readonly price: bigint;
  /** Of the tool. */
  readonly settlement?: SettlementMode;
  /** With the rule `allowance`: the nonce of the EIP-2612 permit that would approve Permit2, where the payer can sign one. */
  readonly approvalNonce?: bigint;
  /** The text of a denial by a policy rule, from the rule's file. */
  readonly wording?: Wording;
};

export const deniedTexts: Texts<DeniedReason> = {
  denied: ({ wording, ...reason }) => {
    const { denial, tool, price, settlement, approvalNonce } = reason;
    const { subject, hint, counts } = wording ?? wordingOf(denial, tool, settlement);
    const after = denial.retryAllowed ? denial.retryAfter : undefined;
    return {
      status: after === undefined ? 403 : 429,
      title: 'Denied',
      detail: subject + amounts(denial, price, counts),
      hint,
      more: {
        ...membersOf(denial, tool, price),
        ...(approvalNonce === undefined ? {} : { approval_nonce: approvalNonce.toString() }),
      },
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
  // Overwrite the limit's own rule and account, because only the denial names the rule that denied.
  rule: denial.rule,
  // Whether the caller or its owner was listed is in the log only.
  ...(denial.rule === 'screening' ? {} : { account: denial.account }),
  tool,
  price: price.toString(),
  ...(param === undefined ? {} : { param }),
  ...(grant === undefined ? {} : { grant }),
  ...(authority === undefined ? {} : { authority }),
  retry_allowed: denial.retryAllowed,
  policy: denial.policy,
});

/** The figures of the limit, for people. */
const amounts = ({ rule, limit }: Denial, price: bigint, counts: Wording['counts']): string => {
  if (limit === undefined) return '';
  if (counts === 'calls') {
    const calls = limit.limit === '1' ? '1 call' : `${limit.limit} calls`;
    return ` Limit: ${calls} in ${limit.window ?? 1} seconds.`;
  }
  const [whole, spent, remaining] = [limit.limit, limit.spent, limit.remaining].map((text) =>
    formatDollars(BigInt(text)),
  );
  // A debt has limit zero; `spent` holds the amount of the debt.
  if (rule === 'debt') return ` It owes ${spent}.`;
  if (rule === 'suspended') return ` Not collected: ${spent}.`;
  const noun = rule === 'balance' || rule === 'allowance' || rule === 'credit' ? rule : 'limit';
  return ` Price ${formatDollars(price)}, ${noun} ${whole}, remaining ${remaining}.`;
};

/** The wording of a rule. Some rules deny for two reasons; the members of the denial distinguish them. */
const wordingOf = (
  { rule, retryAfter: after }: Denial,
  tool: string,
  settlement: SettlementMode | undefined,
): Wording => {
  if (rule === 'balance' && after === undefined) return BALANCE_TOO_LOW;
  if (rule === 'credit' && tool === 'countersign.credits') return TOP_UP;
  if (rule === 'credit' && settlement === 'credit') return CREDIT_ONLY;
  return isAccountRule(rule) ? accountWordings[rule] : UNKNOWN_RULE;
};

/** No earlier payment is open whose settlement could free the balance. */
const BALANCE_TOO_LOW: Wording = {
  subject: 'The balance does not cover the price.',
  hint: 'Add funds to the paying account on this chain, then sign and send the call again.',
};

/** During a deploy an account may run a newer release. */
const UNKNOWN_RULE: Wording = {
  subject: 'A rule denies this call.',
  hint: 'Ask the owner of `account` about the rule.',
};

/** `POST /credits`: the rule `credit` limits the credit that an account may hold. */
const TOP_UP: Wording = {
  subject: 'The account cannot take this top-up.',
  hint: 'Pay for a top-up with a payment, never with credit, and with at most `remaining` of the credit that an account may hold.',
};

/** For such a tool a payment only identifies the account. */
const CREDIT_ONLY: Wording = {
  subject: 'The credit does not cover the price, and the tool takes no payment.',
  hint: 'Top up the account, or the owner whose grant it uses, with POST /credits?amount=<atomic units>, then send the call again.',
};
