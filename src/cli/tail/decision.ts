import type { EntryEvent } from '../../client/management-events.ts';
import { dollars } from '../lib/amounts.ts';
import { abandonedText, creditText, endOfMoney } from './ending.ts';

/** What an entry says, for whoever watches. Amounts in atomic units. */
export type DecisionLine = {
  readonly at: number;
  readonly account: string;
  readonly seq: number;
  readonly type: string;
  readonly verdict: 'allowed' | 'charged' | 'denied' | 'failed' | 'order' | 'alert' | 'paid';
  readonly tool?: string;
  readonly price?: string;
  /** Where a call ended up costing something else than its price. */
  readonly charged?: string;
  readonly rule?: string;
  readonly call?: string;
  /** Equal denials that this line stands for. */
  readonly count?: number;
  /** Whose rule it was, where it is another account's. */
  readonly by?: string;
  /** What was left of the limit. */
  readonly left?: string;
  readonly limit?: string;
  readonly says: string;
};

/** Rules that count calls, not money. */
const COUNTS = new Set(['rate', 'denial_rate', 'failure_rate', 'repeat']);

/** Equal denials of this long are one entry, which is written at their end and carries the time of the first. */
const DENIALS_TOGETHER = 10;

/** When the log has a line: what `tail` prints goes by it, or denials would stand behind calls that came after them. */
export const shownAt = ({ at, verdict }: DecisionLine): number =>
  verdict === 'denied' ? at + DENIALS_TOGETHER : at;

/** Prices of calls that run, at most. */
const MOST_CALLS = 10_000;

/** Lines of entries, with what an entry says of an earlier one: the price of the call that it ends. */
export const createDecisions = (): ((entry: EntryEvent) => DecisionLine | undefined) => {
  const prices = new Map<string, string>();
  return (entry) => {
    const { type, call, amounts } = entry;
    const price = call === undefined ? undefined : prices.get(call);
    if (type === 'call.accepted' && call !== undefined && amounts?.['price'] !== undefined) {
      const [oldest] = prices.keys();
      if (prices.size >= MOST_CALLS && oldest !== undefined) prices.delete(oldest);
      prices.set(call, amounts['price']);
    }
    if (call !== undefined && type.startsWith('call.') && type !== 'call.accepted')
      prices.delete(call);
    return decisionOf(entry, price);
  };
};

/** The line of an entry; undefined where it decides nothing that is worth one, e.g. a call that ended well at its price. */
export const decisionOf = (entry: EntryEvent, price?: string): DecisionLine | undefined => {
  const { at, account, seq, type } = entry;
  const outcome = entry.outcome ?? {};
  const told = {
    ...{ at, account, seq, type },
    ...(entry.tool === undefined ? {} : { tool: entry.tool }),
    ...(entry.call === undefined ? {} : { call: entry.call }),
  };
  switch (type) {
    case 'call.accepted': {
      const asked = entry.amounts?.['price'];
      const by = entry.payment?.['paidBy'];
      return {
        ...told,
        verdict: 'allowed',
        ...(asked === undefined ? {} : { price: asked }),
        says: by === 'lent' ? 'from credit above' : by === 'credit' ? 'from credit' : '',
      };
    }
    case 'call.denied':
      return { ...told, verdict: 'denied', ...denialOf(entry) };
    case 'call.finished': {
      const charged = entry.amounts?.['charged'];
      if (outcome['success'] === false)
        return {
          ...told,
          verdict: 'failed',
          says: `${answerText(outcome)}; ${endOfMoney(entry, price)}`,
        };
      return charged === undefined || price === undefined || charged === price
        ? undefined
        : { ...told, verdict: 'charged', charged, says: `of ${dollars(price)} at most` };
    }
    case 'call.abandoned':
      return {
        ...told,
        verdict: 'failed',
        says: `${abandonedText(entry)}; ${endOfMoney(entry, price)}`,
      };
    case 'payment.failed':
      return { ...told, verdict: 'failed', says: 'its payment failed' };
    case 'payment.settled':
      return undefined;
    case 'credit.received':
    case 'credit.adjusted':
    case 'credit.refunded':
      return { ...told, verdict: 'paid', says: creditText(entry) };
    case 'alert.raised':
      return { ...told, verdict: 'alert', ...ruleOf(entry), says: alertText(entry) };
    case 'account.status':
      return {
        ...told,
        verdict: 'order',
        says: `${texts(outcome['side'])} sets it ${texts(entry.decision)}`,
      };
    case 'account.policy':
      return {
        ...told,
        verdict: 'order',
        says: `policy of the ${entry.decision ?? 'owner'} written`,
      };
    case 'account.label':
      return {
        ...told,
        verdict: 'order',
        says: outcome['label'] === null ? 'label taken away' : `label ${texts(outcome['label'])}`,
      };
    case 'call.resolved':
      return {
        ...told,
        verdict: 'order',
        says:
          entry.decision === 'charged'
            ? 'operator charges what it kept'
            : 'operator gives back what it kept',
      };
    case 'grant.issued':
    case 'grant.accepted':
    case 'grant.taken':
    case 'grant.revoked':
      return { ...told, verdict: 'order', says: type.replace('.', ' ') };
    default:
      return undefined;
  }
};

/** Status 0: the tool gave no answer that could be passed on. */
const answerText = (outcome: Readonly<Record<string, unknown>>): string =>
  outcome['status'] === 0
    ? `the tool gave no answer (${texts(outcome['reason'])})`
    : `the tool answered ${texts(outcome['status'])}`;

const ruleOf = ({ rule }: EntryEvent): { readonly rule?: string } =>
  rule === undefined ? {} : { rule };

const denialOf = (
  entry: EntryEvent,
): Pick<DecisionLine, 'says' | 'rule' | 'count' | 'by' | 'left' | 'limit'> => {
  const of = entry.outcome ?? {};
  const limit = objectIn(of['limit']);
  const by = typeof of['account'] === 'string' ? of['account'] : undefined;
  const [of_, left] = [limit?.['limit'], limit?.['remaining']].map((value) =>
    typeof value === 'string' && /^[0-9]{1,78}$/.test(value) ? value : undefined,
  );
  const isCount = COUNTS.has(entry.rule ?? '');
  const amount = (value: string): string => (isCount ? value : dollars(value));
  const says = [
    of_ === undefined ? undefined : `limit ${amount(of_)}`,
    left === undefined ? undefined : `left ${amount(left)}`,
    typeof of['param'] === 'string' ? `param ${of['param']}` : undefined,
  ];
  return {
    ...ruleOf(entry),
    ...(entry.count === undefined ? {} : { count: entry.count }),
    ...(by === undefined || by === entry.account ? {} : { by }),
    ...(of_ === undefined ? {} : { limit: of_ }),
    ...(left === undefined ? {} : { left }),
    says: says.filter((text) => text !== undefined).join(', '),
  };
};

const objectIn = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;

const texts = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

/** An alert in words; a limit that is nearly used up with its money, all else as it is told. */
const alertText = ({ rule, outcome = {} }: EntryEvent): string => {
  const { limit, max, used } = outcome;
  if (rule === 'soft_limit' && isUnits(max) && isUnits(used))
    return `${dollars(used)} of ${dollars(max)} used, ${texts(limit)}`;
  return Object.entries(outcome)
    .map(([name, value]) => `${name} ${texts(value)}`)
    .join(', ');
};

const isUnits = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9]{1,78}$/.test(value);
