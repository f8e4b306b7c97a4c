import type { Json } from '../../../src/protocol/entry.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import { aboveOf, exists, hasParent, relationTo } from '../tree/ancestry.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { checkedAt } from '../call/evidence.ts';
import { type AccountState, hasPaid } from '../state.ts';
import type { CommandFault, FieldFault } from '../../../src/protocol/account/command-fault.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { Applied } from '../../../src/protocol/account/applied.ts';
import type { CommandSigner, CommandIntent } from '../../../src/protocol/account/signer.ts';

/** An order that was carried out, kept while its intent could come again. A row of `orders`. */
export type StoredOrder = {
  readonly digest: Hex;
  readonly attempt: Hex;
  readonly until: Seconds;
  /** JSON of the verdict. */
  readonly answer: string;
};

export type Ordered = Extract<AccountCommand, { readonly order: CommandIntent }>;

/** The gateway's clock and ours may differ by less than this. */
const CLOCK_GRACE: Seconds = 60;
/** Intents live for 300 s at most. */
const INTENT_LIFE: Seconds = 300;
/** Orders remembered at a time: more than anybody gives in five minutes, and few enough to count. Law 12: fewer where nobody has paid. */
const MOST_ORDERS = 1_000;
const MOST_UNPAID = 100;

/**
 * Applies a command once for each signed intent: a second request with the same intent changes nothing, and the runtime's retry of the
 * first request gets the first answer. Refusals count too: a captured intent must not succeed later, when nothing refuses it any more.
 *
 * @param most while the account remembers this many commands, it applies no more.
 */
export const once = (
  state: AccountState,
  { digest, attempt, validBefore }: CommandIntent,
  context: Context,
  decide: () => Decision<Applied>,
  most: number,
): Decision<Applied> => {
  if (digest === undefined || attempt === undefined) return decide();
  const until = (validBefore ?? context.now + INTENT_LIFE) + CLOCK_GRACE;
  // The account may have forgotten it already.
  if (until <= context.now) return unchanged(state, USED);
  const known = context.orderOf(digest);
  if (known !== undefined) {
    return unchanged(state, known.attempt === attempt ? answerOf(known) : USED);
  }
  if (context.ordersKept() >= most) return unchanged(state, { verdict: 'unavailable' });
  const decision = decide();
  const { verdict, durable } = decision;
  // Law 12: a refusal makes no account.
  if (verdict.verdict === 'unavailable' || !(durable || exists(state))) return decision;
  const order = { digest, attempt, until, answer: answerText(verdict) };
  return { ...decision, durable: true, orders: [order] };
};

const USED: Applied = { verdict: 'refused', fault: { reason: 'already_used' } };

const answerText = (verdict: Applied): string =>
  JSON.stringify(
    verdict.verdict === 'applied' && verdict.credit !== undefined
      ? { ...verdict, credit: verdict.credit.toString() }
      : verdict,
  );

const answerOf = ({ answer }: StoredOrder): Applied => {
  const { credit, ...verdict } = JSON.parse(answer) as Applied & { readonly credit?: string };
  return credit === undefined ? verdict : ({ ...verdict, credit: BigInt(credit) } as Applied);
};

/**
 * How many orders may be remembered when this sender gives one more. Those higher up have room that those below cannot fill, and
 * operators always have some: who is to be stopped must not be able to keep the order out.
 */
export const roomOf = (state: AccountState, by: CommandSigner | undefined): number =>
  by?.role === 'owner'
    ? (hasPaid(state) ? MOST_ORDERS : MOST_UNPAID) * (2 + aboveOf(state).indexOf(by.account))
    : Infinity;

/** Why an order is not this sender's to give. Absent `by`: the gateway itself. */
export const refusalOf = (
  state: AccountState,
  order: Ordered,
): CommandFault | FieldFault | undefined => {
  const { by } = order;
  if (by === undefined) return undefined;
  const forbidden = { reason: 'forbidden' } as const;
  if (by.role === 'operator') return isOperators(order) ? undefined : forbidden;
  if (!isOwners(order)) return forbidden;
  switch (relationTo(state, by.account)) {
    case 'ancestor':
      return undefined;
    case 'self':
      if (hasParent(state)) return forbidden;
      // Law 12: anybody can sign for a key of his own.
      return exists(state) ? undefined : { reason: 'penniless', field: 'account' };
    case 'none':
      return forbidden;
  }
};

const isOperators = (order: Ordered): boolean =>
  order.kind === 'policy' ? order.slot === 'operator' : order.kind !== 'default';

const isOwners = (order: Ordered): boolean => {
  switch (order.kind) {
    case 'status':
    case 'default':
    case 'label':
      return true;
    case 'policy':
      return order.slot === 'owner';
    case 'document':
      return order.type === 'webhook';
    case 'redrive':
    case 'writeOff':
    case 'resolve':
    case 'deadLetter':
    case 'adjust':
    case 'refund':
      return false;
  }
};

/** The signature that ordered it, and whose it is (law 11). */
export const evidenceOf = (
  { fields, signature }: CommandIntent,
  by: CommandSigner | undefined,
): { readonly [key: string]: Json } => ({
  order: fields,
  signature,
  ...(by === undefined ? {} : { by: by.account, role: by.role, ...checkedAt(by) }),
});
