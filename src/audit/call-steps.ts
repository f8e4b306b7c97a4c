import type { Seconds } from '../core/clock.ts';
import { type Network, parseAccountId } from '../protocol/account-id.ts';
import type { Entry } from '../protocol/entry.ts';
import { entryName } from '../protocol/log/entry-types.ts';
import { type Cases, type Facts, factsOf, inCase } from '../protocol/log/facts.ts';
import { usageWords } from '../protocol/meter/meter-words.ts';
import { deniedLimit } from './denied-limit.ts';

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

/** Tells the story of a call from its entries, in order: who signed, which policies and rule decided, what became of the money. */
export const stepsOf = (entries: readonly Entry[], words: StepWords): readonly Step[] =>
  entries.map((logged) => {
    const entry = factsOf(logged);
    return {
      at: entry.at,
      seq: entry.seq,
      what: inCase(SENTENCES, entry, words) ?? entryName(entry.type),
      clauses: inCase(CLAUSES, entry, words) ?? [],
    };
  });

const judged = (entry: Judged, words: StepWords): readonly string[] => [
  signedText(entry, words),
  policiesText(entry, words),
];

const endedText = (
  { decision, outcome, amounts }: Facts<'call.finished' | 'call.abandoned'>,
  words: StepWords,
): string =>
  `${decision ?? 'ended'}${reasonText(outcome, words)}: charged ${moneyOf(amounts.charged, words)}${usedText(outcome)}`;

const usedText = (outcome: Facts<'call.finished' | 'call.abandoned'>['outcome']): string => {
  const { basis, usage }: Facts<'call.finished'>['outcome'] = outcome;
  const words = usageWords(usage);
  if (basis === 'missing') return ', because the answer reported no usage';
  return words === undefined ? '' : ` for ${words}`;
};

type Judged = Facts<'call.accepted' | 'call.parked' | 'call.denied'>;

/** Who decided, of an entry that a command may have caused. */
const personIn = (
  { evidence: { by } }: { readonly evidence: Facts<'call.approved'>['evidence'] },
  words: StepWords,
): string => (by === undefined ? 'the operator' : words.account(by));

const signedText = ({ account, evidence }: Judged, words: StepWords): string => {
  const who = words.account(account);
  const { contractCheckedAt: block, proof, intent } = evidence;
  const how = block === undefined ? '' : ` (contract, accepted at block ${block})`;
  if (proof === 'intent') return `${who} signed an intent${how}`;
  return `${who} signed a payment${intent === undefined ? '' : ' and its intent'}${how}`;
};

const policiesText = ({ policy, evidence: { policies } }: Judged, words: StepWords): string => {
  if (policies === undefined)
    return policy === undefined ? 'no policy' : `policy ${words.hash(policy)}`;
  return `policies: ${policies
    .map(({ kind = '', account = '' }) =>
      kind === 'default' ? kind : `${kind} of ${words.account(account)}`,
    )
    .join(', ')}`;
};

const PAID: Readonly<Record<string, string>> = {
  credit: 'paid from credit',
  lent: 'paid from the credit of an ancestor',
  deferred: 'paid by a payment that settles after the tool has run',
  upfront: 'paid by a payment that settles before the tool runs',
  card: 'paid by a card',
};

const paidBy = ({ payment }: Facts<'call.accepted'>): string =>
  PAID[payment.paidBy ?? ''] ?? 'nothing to pay';

/** The rule, and its limit as it was at the decision. */
const deniedText = (entry: Facts<'call.denied'>, words: StepWords): string => {
  const limit = deniedLimit(entry);
  const rule = words.rule(limit?.rule ?? entry.rule ?? 'unknown');
  if (limit === undefined) return `denied by the rule ${rule}`;
  const { unit, spent, held, resetsAt } = limit;
  const figure = (value = 0n): string =>
    unit === 'calls' ? `${value} calls` : words.money(value.toString());
  const until = resetsAt === undefined ? '' : `, resets ${words.time(resetsAt)}`;
  return `denied by the rule ${rule} (limit ${figure(limit.limit)}, spent ${figure(spent)}, held ${figure(held)}${until})`;
};

const transactionText = (
  { account, payment: { transaction } }: Facts<'payment.settled'>,
  words: StepWords,
): string => {
  const network = parseAccountId(account)?.network;
  if (transaction === undefined || network === undefined) return '';
  return ` in ${words.transaction(network, transaction)}`;
};

const reasonText = (
  { reason, status = 0 }: { readonly reason?: string; readonly status?: number },
  words: StepWords,
): string => {
  const parts = [
    status > 0 ? `status ${status}` : undefined,
    reason === undefined ? undefined : words.text(reason),
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
};

const moneyOf = (amount: string | undefined, words: StepWords): string =>
  words.money(amount !== undefined && /^-?[0-9]{1,78}$/.test(amount) ? amount : '0');

/** A type without a sentence has its name only. */
const SENTENCES: Cases<StepWords, string> = {
  'call.accepted': ({ amounts }, words) => `accepted for ${moneyOf(amounts.price, words)}`,
  'call.parked': ({ amounts }, words) => `waits for a person at ${moneyOf(amounts.price, words)}`,
  'call.denied': deniedText,
  'call.approved': (entry, words) => `approved by ${personIn(entry, words)}`,
  'call.refused': (entry, words) =>
    entry.decision === 'expired'
      ? 'no person decided in time: ended without a charge'
      : `refused by ${personIn(entry, words)}`,
  'call.dispatched': () => 'dispatched to the tool',
  'call.finished': endedText,
  'call.abandoned': endedText,
  'call.late': ({ outcome }, words) =>
    `the tool answered after the call had ended${reasonText(outcome, words)}`,
  'call.resolved': (entry, words) =>
    `resolved by ${personIn(entry, words)}: ${entry.decision ?? ''}, charged ${moneyOf(entry.amounts.charged, words)}`,
  'call.refunded': (entry, words) =>
    `${personIn(entry, words)} refunded ${moneyOf(entry.amounts.amount, words)} as credit: ${words.text(entry.outcome.reason ?? '')}`,
  'settlement.redriven': (entry, words) => `${personIn(entry, words)} presented the payment again`,
  'payment.settled': (entry, words) => `payment settled${transactionText(entry, words)}`,
  'payment.failed': ({ payment }, words) =>
    `payment failed by fault of the ${payment.fault ?? 'payer'}${reasonText(payment, words)}`,
  'payment.released': ({ payment }, words) =>
    `payment released${reasonText(payment, words)}: it moved no money`,
  'payment.bounced': ({ payment }, words) => `payment tried again${reasonText(payment, words)}`,
};

const CLAUSES: Cases<StepWords, readonly string[]> = {
  'call.accepted': (entry, words) => [...judged(entry, words), paidBy(entry)],
  'call.parked': judged,
  'call.denied': judged,
};
