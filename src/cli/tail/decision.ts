import { deniedLimit } from '../../audit/denied-limit.ts';
import { withoutUndefined } from '../../core/without-undefined.ts';
import type { EntryEvent } from '../../client/management-events.ts';
import { type Cases, type Facts, factsOf, inCase } from '../../protocol/log/facts.ts';
import { usageWords } from '../../protocol/meter/meter-words.ts';
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
  const found = inCase(VERDICTS, factsOf(entry), price);
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

/** A type without a verdict only follows from a decision. */
const VERDICTS: Cases<string | undefined, Verdict | undefined> = {
  'call.accepted': ({ amounts: { price }, payment }) => ({
    verdict: 'allowed',
    ...withoutUndefined({ price }),
    says: SAYS[payment.paidBy ?? ''] ?? '',
  }),
  'call.parked': ({ amounts: { price } }) => ({
    verdict: 'order',
    ...withoutUndefined({ price }),
    says: 'waits for the approval of a person',
  }),
  'call.approved': () => order('a person approves the call'),
  'call.refused': ({ decision }) => ({
    verdict: 'failed',
    says: `${decision === 'expired' ? 'no person approved the call in time, or its caller did not run it' : 'a person refuses the call'}; nothing charged`,
  }),
  'call.denied': (entry) => ({ verdict: 'denied', ...denialOf(entry) }),
  'call.finished': (entry, price) => {
    const { charged } = entry.amounts;
    const used = usageWords(entry.outcome.usage);
    if (entry.outcome.success === false)
      return { verdict: 'failed', says: `${answerText(entry)}; ${moneyText(entry, price)}` };
    return charged === undefined || price === undefined || charged === price
      ? undefined
      : {
          verdict: 'charged',
          charged,
          says: `of ${dollars(price)} at most${used === undefined ? '' : `, for ${used}`}`,
        };
  },
  'call.abandoned': (entry, price) => ({
    verdict: 'failed',
    says: `${abandonedText(entry)}; ${moneyText(entry, price)}`,
  }),
  'call.resolved': ({ decision }) =>
    order(`the operator ${decision === 'charged' ? 'charges' : 'releases'} the held price`),
  'call.refunded': (entry) => paid(`${sumOf(entry)}its charge refunded by the operator as credit`),
  'payment.failed': () => ({ verdict: 'failed', says: 'the payment failed' }),
  'credit.received': (entry) => paid(`${sumOf(entry)}credit received`),
  'credit.refunded': (entry) => paid(`${sumOf(entry)}credit refunded on chain`),
  'credit.adjusted': (entry) =>
    paid(`${sumOf(entry)}credit ${entry.decision === 'added' ? 'added' : 'taken'} by the operator`),
  'alert.raised': (entry) => ({
    verdict: 'alert',
    ...withoutUndefined({ rule: entry.rule }),
    says: alertText(entry),
  }),
  'account.status': ({ outcome, decision = '' }) =>
    order(`${outcome.side ?? ''} sets it ${decision}`),
  'account.policy': ({ decision = 'owner' }) => order(`the ${decision} changes its policy`),
  'account.label': ({ outcome: { label } }) =>
    order(label === null ? 'label removed' : `label ${label ?? ''}`),
  'account.erased': () => order('label and stored answers erased'),
  'account.screened': ({ outcome: { source, passes }, decision = '' }) =>
    order(`screened by ${source ?? ''}: ${decision}${passes === true ? '' : ', calls denied'}`),
  'grant.issued': () => order('grant issued'),
  'grant.accepted': () => order('grant accepted'),
  'grant.taken': () => order('grant taken'),
  'grant.revoked': () => order('grant revoked'),
};

const paid = (says: string): Verdict => ({ verdict: 'paid', says });

const order = (says: string): Verdict => ({ verdict: 'order', says });

/** Status 0: the gateway got no answer that it could pass on. */
const answerText = ({ outcome: { status, reason } }: Facts<'call.finished'>): string =>
  status === 0 ? `the tool gave no answer (${reason ?? ''})` : `the tool answered ${status ?? ''}`;

/** Why the alarm ended a call: the tool gave no answer, or the client never repeated a settled call to run the tool. */
const abandonedText = ({ outcome }: Facts<'call.abandoned'>): string =>
  outcome.reason === 'never_repeated'
    ? 'the payment settled, but the client never repeated the call, so the tool did not run'
    : 'the tool gave no answer in time';

/** The effect of a call's end on its money. `price` is known if the command saw the call begin. */
const moneyText = (
  { amounts: { charged = '0' }, payment }: Facts<'call.finished' | 'call.abandoned'>,
  price: string | undefined,
): string => {
  if (payment.kept === true)
    return 'the gateway holds the price until the operator resolves the call';
  if (charged !== '0') return `charged ${dollars(charged)}`;
  if (payment.state !== 'settled' || payment.paidBy !== 'upfront') return 'nothing charged';
  return `${price === undefined ? 'the payment' : dollars(price)} had moved and is credit now`;
};

const sumOf = ({ amounts: { amount } }: Pick<Facts<'credit.adjusted'>, 'amounts'>): string =>
  amount === undefined ? '' : `${dollars(amount)} of `;

const denialOf = (
  entry: Facts<'call.denied'>,
): Pick<Decision, 'says' | 'rule' | 'count' | 'by' | 'left' | 'limit'> => {
  const { rule, count, account, outcome } = entry;
  const figures = deniedLimit(entry);
  const [limit, left] = [figures?.limit?.toString(), figures?.remaining?.toString()];
  const amount = (value: string): string => (figures?.unit === 'calls' ? value : dollars(value));
  const says = [
    limit === undefined ? undefined : `limit ${amount(limit)}`,
    left === undefined ? undefined : `left ${amount(left)}`,
    outcome.param === undefined ? undefined : `param ${outcome.param}`,
  ];
  return {
    ...withoutUndefined({ rule, count, limit, left }),
    ...(outcome.account === account ? {} : withoutUndefined({ by: outcome.account })),
    says: says.filter((text) => text !== undefined).join(', '),
  };
};

/** A soft limit with its amounts; every other alert as `name value` pairs. */
const alertText = ({ rule, outcome }: Facts<'alert.raised'>): string => {
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

/* An alert has the members that its rule chose. */

const unitsOf = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[0-9]{1,78}$/.test(value) ? value : undefined;

const stringOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';
