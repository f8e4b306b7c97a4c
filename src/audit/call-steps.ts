import type { Seconds } from '../core/clock.ts';
import { type Network, parseAccountId } from '../protocol/account-id.ts';
import { countsCalls } from '../protocol/account/denial.ts';
import type { Entry, Json } from '../protocol/entry.ts';
import { entryName } from '../protocol/log/entry-name.ts';

/** One entry about a call, in words. */
export type Step = {
  readonly at: Seconds;
  readonly seq: number;
  /** What happened. */
  readonly what: string;
  /** Who signed, which policies applied, who pays. Empty if the entry does not contain it. */
  readonly clauses: readonly string[];
};

/** Writes the parts of a sentence for one medium. */
export type StepWords = {
  readonly account: (account: string) => string;
  /** `atomic`: decimal text of atomic units. */
  readonly money: (atomic: string) => string;
  readonly time: (at: Seconds) => string;
  readonly hash: (hash: string) => string;
  readonly transaction: (network: Network, hash: string) => string;
  /** A rule or a limit by its name on the wire. */
  readonly rule: (rule: string) => string;
  /** A text that an agent, a tool or an upstream chose. */
  readonly text: (text: string) => string;
};

type Members = { readonly [key: string]: Json };

/** Tells the story of a call from its entries, in order: who signed, which policies and rule decided, what became of the money. */
export const stepsOf = (entries: readonly Entry[], words: StepWords): readonly Step[] =>
  entries.map((entry) => {
    const told = toldOf(entry, words);
    return {
      at: entry.at,
      seq: entry.seq,
      what: SENTENCES[entry.type]?.(told) ?? entryName(entry.type),
      clauses: CLAUSES[entry.type]?.(told) ?? [],
    };
  });

/** An entry, with the parts that appear in sentences. */
type Told = {
  readonly entry: Entry;
  readonly words: StepWords;
  readonly amounts: Readonly<Record<string, string>>;
  readonly payment: Members;
  readonly outcome: Members;
  readonly person: string;
};

const toldOf = (entry: Entry, words: StepWords): Told => {
  const { amounts = {}, payment = {}, outcome = {}, evidence = {} } = entry;
  const by = textOf(evidence['by']);
  const person = by === undefined ? 'the operator' : words.account(by);
  return { entry, words, amounts, payment, outcome, person };
};

const judged = ({ entry, words }: Told): readonly string[] => [
  signedText(entry, words),
  policiesText(entry, words),
];

const CLAUSES: Partial<Readonly<Record<Entry['type'], (told: Told) => readonly string[]>>> = {
  'call.accepted': (told) => [...judged(told), paidBy(told.payment)],
  'call.parked': judged,
  'call.denied': judged,
};

const ended = ({ entry, amounts, outcome, words }: Told): string =>
  `${entry.decision ?? 'ended'}${reasonText(outcome, words)}: charged ${moneyOf(amounts['charged'], words)}`;

const SENTENCES: Partial<Readonly<Record<Entry['type'], (told: Told) => string>>> = {
  'call.accepted': ({ amounts, words }) => `accepted for ${moneyOf(amounts['price'], words)}`,
  'call.parked': ({ amounts, words }) =>
    `waits for a person at ${moneyOf(amounts['price'], words)}`,
  'call.denied': ({ entry, outcome, words }) =>
    `denied by the rule ${words.rule(limitRule(outcome['limit']) ?? entry.rule ?? 'unknown')}${limitText(outcome['limit'], words)}`,
  'call.approved': ({ person }) => `approved by ${person}`,
  'call.refused': ({ entry, person }) =>
    entry.decision === 'expired'
      ? 'no person decided in time: ended without a charge'
      : `refused by ${person}`,
  'call.dispatched': () => 'dispatched to the tool',
  'call.finished': ended,
  'call.abandoned': ended,
  'call.late': ({ outcome, words }) =>
    `the tool answered after the call had ended${reasonText(outcome, words)}`,
  'call.resolved': ({ entry, amounts, person, words }) =>
    `resolved by ${person}: ${entry.decision ?? ''}, charged ${moneyOf(amounts['charged'], words)}`,
  'call.refunded': ({ amounts, outcome, person, words }) =>
    `${person} refunded ${moneyOf(amounts['amount'], words)} as credit: ${words.text(textOf(outcome['reason']) ?? '')}`,
  'settlement.redriven': ({ person }) => `${person} presented the payment again`,
  'payment.settled': ({ entry, payment, words }) =>
    `payment settled${transactionText(entry.account, payment, words)}`,
  'payment.failed': ({ payment, words }) =>
    `payment failed by fault of the ${textOf(payment['fault']) ?? 'payer'}${reasonText(payment, words)}`,
  'payment.released': ({ payment, words }) =>
    `payment released${reasonText(payment, words)}: it moved no money`,
  'payment.bounced': ({ payment, words }) => `payment tried again${reasonText(payment, words)}`,
};

const signedText = ({ account, evidence = {} }: Entry, words: StepWords): string => {
  const who = words.account(account);
  const block = evidence['contractCheckedAt'];
  const how = typeof block === 'number' ? ` (contract, accepted at block ${block})` : '';
  if (evidence['proof'] === 'intent') return `${who} signed an intent${how}`;
  const bound = evidence['intent'] === undefined ? '' : ' and its intent';
  return `${who} signed a payment${bound}${how}`;
};

const policiesText = ({ policy, evidence = {} }: Entry, words: StepWords): string => {
  const policies = evidence['policies'];
  if (!Array.isArray(policies))
    return policy === undefined ? 'no policy' : `policy ${words.hash(policy)}`;
  return `policies: ${policies
    .map((each: Json) => {
      const { kind, account } = each as Members;
      return kind === 'default'
        ? 'default'
        : `${textOf(kind) ?? ''} of ${words.account(textOf(account) ?? '')}`;
    })
    .join(', ')}`;
};

const PAID: Readonly<Record<string, string>> = {
  credit: 'paid from credit',
  lent: 'paid from the credit of an ancestor',
  deferred: 'paid by a payment that settles after the tool has run',
  upfront: 'paid by a payment that settles before the tool runs',
  card: 'paid by a card',
};

const paidBy = ({ paidBy: by }: Members): string => PAID[textOf(by) ?? ''] ?? 'nothing to pay';

const membersOf = (value: Json | undefined): Members | undefined =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? undefined
    : (value as Members);

const limitRule = (limit: Json | undefined): string | undefined =>
  textOf(membersOf(limit)?.['rule']);

/** The limit as it was at the decision. */
const limitText = (limit: Json | undefined, words: StepWords): string => {
  const state = membersOf(limit);
  if (state === undefined) return '';
  const rule = limitRule(limit) ?? '';
  const figure = (name: string): string =>
    countsCalls(rule) ? `${textOf(state[name]) ?? '0'} calls` : moneyOf(textOf(state[name]), words);
  const resets = state['resetsAt'];
  const until = typeof resets === 'number' ? `, resets ${words.time(resets)}` : '';
  return ` (limit ${figure('limit')}, spent ${figure('spent')}, held ${figure('held')}${until})`;
};

const transactionText = (account: Entry['account'], payment: Members, words: StepWords): string => {
  const transaction = textOf(payment['transaction']);
  const network = parseAccountId(account)?.network;
  if (transaction === undefined || network === undefined) return '';
  return ` in ${words.transaction(network, transaction)}`;
};

const reasonText = ({ reason, status }: Members, words: StepWords): string => {
  const parts = [
    typeof status === 'number' && status > 0 ? `status ${status}` : undefined,
    typeof reason === 'string' ? words.text(reason) : undefined,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
};

const moneyOf = (amount: string | undefined, words: StepWords): string =>
  words.money(amount !== undefined && /^-?[0-9]{1,78}$/.test(amount) ? amount : '0');

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;
