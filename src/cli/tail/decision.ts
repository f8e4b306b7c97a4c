import type { EntryEvent } from '../../client/management-events.ts';
import { dollars } from '../manage/money.ts';

/** What an entry says, for whoever watches. Amounts in atomic units. */
export type DecisionLine = {
  readonly at: number;
  readonly account: string;
  readonly seq: number;
  readonly type: string;
  readonly verdict: 'allowed' | 'denied' | 'failed' | 'order' | 'alert' | 'paid';
  readonly tool?: string;
  readonly price?: string;
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
const COUNTS = new Set(['rate', 'repeat']);

/** The line of an entry; undefined where it decides nothing that is worth one, e.g. a call that ended well. */
export const decisionOf = (entry: EntryEvent): DecisionLine | undefined => {
  const { at, account, seq, type } = entry;
  const outcome = entry.outcome ?? {};
  const told = {
    ...{ at, account, seq, type },
    ...(entry.tool === undefined ? {} : { tool: entry.tool }),
    ...(entry.call === undefined ? {} : { call: entry.call }),
  };
  switch (type) {
    case 'call.accepted': {
      const price = entry.amounts?.['price'];
      const by = entry.payment?.['paidBy'];
      return {
        ...told,
        verdict: 'allowed',
        ...(price === undefined ? {} : { price }),
        says: by === 'lent' ? 'from credit above' : by === 'credit' ? 'from credit' : '',
      };
    }
    case 'call.denied':
      return { ...told, verdict: 'denied', ...denialOf(entry) };
    case 'call.finished':
      return outcome['success'] === false
        ? {
            ...told,
            verdict: 'failed',
            says: `the tool answered ${texts(outcome['status'])} ${texts(outcome['reason'])}`.trimEnd(),
          }
        : undefined;
    case 'call.abandoned':
      return { ...told, verdict: 'failed', says: 'no answer came in time' };
    case 'payment.failed':
      return { ...told, verdict: 'failed', says: 'its payment failed' };
    case 'payment.settled':
      return undefined;
    case 'credit.received':
    case 'credit.adjusted':
    case 'credit.refunded':
      return { ...told, verdict: 'paid', says: type.replace('.', ' ') };
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
    case 'grant.taken':
    case 'grant.revoked':
      return { ...told, verdict: 'order', says: type.replace('.', ' ') };
    default:
      return undefined;
  }
};

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
