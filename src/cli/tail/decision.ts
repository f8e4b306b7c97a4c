import type { EntryEvent } from '../../client/management-events.ts';
import { countsCalls } from '../../protocol/account/denial.ts';
import { dollars } from '../lib/units.ts';

/** A log entry as a decision. Amounts in atomic units. */
export type Decision = {
  readonly at: number;
  readonly account: string;
  readonly seq: number;
  readonly type: string;
  readonly verdict: 'allowed' | 'charged' | 'denied' | 'failed' | 'order' | 'alert' | 'paid';
  readonly tool?: string;
  readonly price?: string;
  /** The charge of the call, if it differs from the price. */
  readonly charged?: string;
  readonly rule?: string;
  readonly call?: string;
  /** The number of equal denials that this entry records. */
  readonly count?: number;
  /** The ancestor whose rule denied the call. */
  readonly by?: string;
  /** The remaining amount of the limit. */
  readonly left?: string;
  readonly limit?: string;
  readonly says: string;
};

/** The account enters the first denial by a rule at once, and merges those of the next ten seconds into one entry, written at their end. */
const DENIALS_TOGETHER = 10;

/** When the log received an entry. Sorting by `at` would print denials after calls that came later. */
export const shownAt = ({ at, verdict, count = 1 }: Decision): number =>
  verdict === 'denied' && count > 1 ? at + DENIALS_TOGETHER : at;

/** Prices kept for running calls, at most. */
const MAX_CALLS = 10_000;

/** Converts entries to decisions, and remembers the price of each running call for the entry that ends it. */
export const createDecisions = (): ((entry: EntryEvent) => Decision | undefined) => {
  const prices = new Map<string, string>();
  return (entry) => {
    const { type, call, amounts } = entry;
    const price = call === undefined ? undefined : prices.get(call);
    if (type === 'call.accepted' && call !== undefined && amounts?.['price'] !== undefined) {
      const [oldest] = prices.keys();
      if (prices.size >= MAX_CALLS && oldest !== undefined) prices.delete(oldest);
      prices.set(call, amounts['price']);
    }
    if (call !== undefined && type.startsWith('call.') && type !== 'call.accepted')
      prices.delete(call);
    return decisionOf(entry, price);
  };
};

/** Undefined for entries that only follow from a decision, e.g. a call that ended at its price. */
export const decisionOf = (entry: EntryEvent, price?: string): Decision | undefined => {
  const found = verdictOf(entry, price);
  const { at, account, seq, type, tool, call } = entry;
  return (
    found && {
      ...{ at, account, seq, type },
      ...(tool === undefined ? {} : { tool }),
      ...(call === undefined ? {} : { call }),
      ...found,
    }
  );
};

/** What paid for a call, by `paidBy`. */
const SAYS: Readonly<Record<string, string>> = {
  lent: "from the parent's credit",
  credit: 'from credit',
  card: 'from a card, not a token',
};

type Verdict = Omit<Decision, 'at' | 'account' | 'seq' | 'type' | 'tool'>;

const verdictOf = (entry: EntryEvent, price: string | undefined): Verdict | undefined => {
  const { outcome = {}, amounts = {}, decision } = entry;
  switch (entry.type) {
    case 'call.accepted': {
      const acceptedPrice = amounts['price'];
      const by = entry.payment?.['paidBy'];
      return {
        verdict: 'allowed',
        ...(acceptedPrice === undefined ? {} : { price: acceptedPrice }),
        says: (typeof by === 'string' ? SAYS[by] : undefined) ?? '',
      };
    }
    case 'call.parked':
      return {
        verdict: 'order',
        ...(amounts['price'] === undefined ? {} : { price: amounts['price'] }),
        says: 'waits for the approval of a person',
      };
    case 'call.approved':
      return { verdict: 'order', says: 'a person approves the call' };
    case 'call.refused':
      return {
        verdict: 'failed',
        says: `${decision === 'expired' ? 'no person approved the call in time, or its caller did not run it' : 'a person refuses the call'}; nothing charged`,
      };
    case 'call.denied':
      return { verdict: 'denied', ...denialOf(entry) };
    case 'call.finished': {
      const { charged } = amounts;
      if (outcome['success'] === false)
        return { verdict: 'failed', says: `${answerText(outcome)}; ${moneyText(entry, price)}` };
      return charged === undefined || price === undefined || charged === price
        ? undefined
        : { verdict: 'charged', charged, says: `of ${dollars(price)} at most` };
    }
    case 'call.abandoned':
      return { verdict: 'failed', says: `${abandonedText(entry)}; ${moneyText(entry, price)}` };
    case 'call.resolved':
      return {
        verdict: 'order',
        says:
          decision === 'charged'
            ? 'the operator charges the held price'
            : 'the operator releases the held price',
      };
    case 'call.refunded':
      return { verdict: 'paid', says: creditText(entry) };
    case 'payment.failed':
      return { verdict: 'failed', says: 'the payment failed' };
    case 'credit.received':
    case 'credit.adjusted':
    case 'credit.refunded':
      return { verdict: 'paid', says: creditText(entry) };
    case 'alert.raised':
      return { verdict: 'alert', ...ruleOf(entry), says: alertText(entry) };
    case 'account.status':
      return { verdict: 'order', says: `${stringOf(outcome['side'])} sets it ${decision ?? ''}` };
    case 'account.policy':
      return { verdict: 'order', says: `the ${decision ?? 'owner'} changes its policy` };
    case 'account.label': {
      const { label } = outcome;
      return {
        verdict: 'order',
        says: label === null ? 'label removed' : `label ${stringOf(label)}`,
      };
    }
    case 'grant.issued':
    case 'grant.accepted':
    case 'grant.taken':
    case 'grant.revoked':
      return { verdict: 'order', says: entry.type.replace('.', ' ') };
    default:
      return undefined;
  }
};

/** Status 0: the gateway got no answer that it could pass on. */
const answerText = (outcome: Readonly<Record<string, unknown>>): string =>
  outcome['status'] === 0
    ? `the tool gave no answer (${stringOf(outcome['reason'])})`
    : `the tool answered ${stringOf(outcome['status'])}`;

/** Why the alarm ended a call: the tool gave no answer, or the client never repeated a settled call to run the tool. */
const abandonedText = ({ outcome = {} }: EntryEvent): string =>
  outcome['reason'] === 'never_repeated'
    ? 'the payment settled, but the client never repeated the call, so the tool did not run'
    : 'the tool gave no answer in time';

/** The effect of a call's end on its money. `price` is known if the command saw the call begin. */
const moneyText = (
  { amounts = {}, payment = {} }: EntryEvent,
  price: string | undefined,
): string => {
  if (payment['kept'] === true)
    return 'the gateway holds the price until the operator resolves the call';
  const { charged = '0' } = amounts;
  if (charged !== '0') return `charged ${dollars(charged)}`;
  if (payment['state'] !== 'settled' || payment['paidBy'] !== 'upfront') return 'nothing charged';
  return `${price === undefined ? 'the payment' : dollars(price)} had moved and is credit now`;
};

const creditText = ({ type, decision, amounts = {} }: EntryEvent): string => {
  const amount = amounts['amount'] === undefined ? '' : `${dollars(amounts['amount'])} of `;
  if (type === 'credit.received') return `${amount}credit received`;
  if (type === 'call.refunded') return `${amount}its charge refunded by the operator as credit`;
  if (type === 'credit.refunded') return `${amount}credit refunded on chain`;
  return `${amount}credit ${decision === 'added' ? 'added' : 'taken'} by the operator`;
};

const ruleOf = ({ rule }: EntryEvent): { readonly rule?: string } =>
  rule === undefined ? {} : { rule };

const denialOf = (
  entry: EntryEvent,
): Pick<Decision, 'says' | 'rule' | 'count' | 'by' | 'left' | 'limit'> => {
  const { outcome = {}, count, account } = entry;
  const { account: by, param } = outcome;
  const figures = objectOf(outcome['limit']);
  const [limit, left] = [unitsOf(figures['limit']), unitsOf(figures['remaining'])];
  const amount = (value: string): string =>
    countsCalls(entry.rule ?? '') ? value : dollars(value);
  const says = [
    limit === undefined ? undefined : `limit ${amount(limit)}`,
    left === undefined ? undefined : `left ${amount(left)}`,
    typeof param === 'string' ? `param ${param}` : undefined,
  ];
  return {
    ...ruleOf(entry),
    ...(count === undefined ? {} : { count }),
    ...(typeof by !== 'string' || by === account ? {} : { by }),
    ...(limit === undefined ? {} : { limit }),
    ...(left === undefined ? {} : { left }),
    says: says.filter((text) => text !== undefined).join(', '),
  };
};

/** A soft limit with its amounts; every other alert as `name value` pairs. */
const alertText = ({ rule, outcome = {} }: EntryEvent): string => {
  if (rule === 'approval') {
    const amount = unitsOf(outcome['amount']);
    return `a call of ${amount === undefined ? 'some amount' : dollars(amount)} waits: countersign approvals list`;
  }
  const [max, used] = [unitsOf(outcome['max']), unitsOf(outcome['used'])];
  if (rule === 'soft_limit' && max !== undefined && used !== undefined)
    return `${dollars(used)} of ${dollars(max)} used, ${stringOf(outcome['limit'])}`;
  return Object.entries(outcome)
    .map(([name, value]) => `${name} ${stringOf(value)}`)
    .join(', ');
};

const unitsOf = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[0-9]{1,78}$/.test(value) ? value : undefined;

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};

const stringOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';
