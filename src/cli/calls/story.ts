import { entryHash } from '../../audit/entry.ts';
import type { Hex } from '../../core/hex.ts';
import { parseAccountId } from '../../protocol/account-id.ts';
import { countsCalls } from '../../protocol/account/denial.ts';
import type { Entry, Json } from '../../protocol/entry.ts';
import { explorerLink } from '../../protocol/explorer.ts';
import type { Names } from '../lib/accounts.ts';
import { printable } from '../lib/text.ts';
import { dollars, isoTime } from '../lib/units.ts';

/** One entry about a call, in words. */
export type Step = {
  readonly at: number;
  readonly seq: number;
  readonly hash: Hex;
  readonly what: string;
};

type Members = { readonly [key: string]: Json };

/** What the entries about a call say, in their order: who signed, which policies and rule decided, what became of the money. */
export const stepsOf = (entries: readonly Entry[], names: Names): readonly Step[] =>
  entries.map((entry) => ({
    at: entry.at,
    seq: entry.seq,
    hash: entryHash(entry),
    what: sentenceOf(entry, names),
  }));

/** An entry, with the parts that sentences are about. */
type Told = {
  readonly entry: Entry;
  readonly names: Names;
  readonly amounts: Readonly<Record<string, string>>;
  readonly payment: Members;
  readonly outcome: Members;
  readonly person: string;
};

const sentenceOf = (entry: Entry, names: Names): string => {
  const { type, amounts = {}, payment = {}, outcome = {}, evidence = {} } = entry;
  const by = textOf(evidence['by']);
  const person = by === undefined ? 'the operator' : names.of(by);
  return SENTENCES[type]?.({ entry, names, amounts, payment, outcome, person }) ?? type;
};

const judged = ({ entry, names }: Told): string =>
  `${signedText(entry, names)}; ${policiesText(entry, names)}`;

const ended = ({ entry, amounts, outcome }: Told): string =>
  `${entry.decision ?? 'ended'}${reasonText(outcome)}: charged ${money(amounts['charged'])}`;

const SENTENCES: Partial<Readonly<Record<Entry['type'], (told: Told) => string>>> = {
  'call.accepted': (told) =>
    `accepted for ${money(told.amounts['price'])}: ${judged(told)}; ${paidBy(told.payment)}`,
  'call.parked': (told) => `waits for a person at ${money(told.amounts['price'])}: ${judged(told)}`,
  'call.denied': (told) =>
    `denied by the rule ${told.entry.rule ?? 'unknown'}${limitText(told.outcome['limit'])}: ${judged(told)}`,
  'call.approved': ({ person }) => `approved by ${person}`,
  'call.refused': ({ entry, person }) =>
    entry.decision === 'expired'
      ? 'no person decided in time: ended without a charge'
      : `refused by ${person}`,
  'call.dispatched': () => 'dispatched to the tool',
  'call.finished': ended,
  'call.abandoned': ended,
  'call.late': ({ outcome }) => `the tool answered after the call had ended${reasonText(outcome)}`,
  'call.resolved': ({ entry, amounts, person }) =>
    `resolved by ${person}: ${entry.decision ?? ''}, charged ${money(amounts['charged'])}`,
  'call.refunded': ({ amounts, outcome, person }) =>
    `${person} refunded ${money(amounts['amount'])} as credit: ${printable(textOf(outcome['reason']) ?? '')}`,
  'payment.settled': ({ entry, payment }) =>
    `payment settled${transactionText(entry.account, payment)}`,
  'payment.failed': ({ payment }) =>
    `payment failed by fault of the ${textOf(payment['fault']) ?? 'payer'}${reasonText(payment)}`,
  'payment.released': ({ payment }) => `payment released${reasonText(payment)}: it moved no money`,
  'payment.bounced': ({ payment }) => `payment tried again${reasonText(payment)}`,
};

const signedText = ({ account, evidence = {} }: Entry, names: Names): string => {
  const who = names.of(account);
  const block = evidence['contractCheckedAt'];
  const how = typeof block === 'number' ? ` (contract, accepted at block ${block})` : '';
  if (evidence['proof'] === 'intent') return `${who} signed an intent${how}`;
  const bound = evidence['intent'] === undefined ? '' : ' and its intent';
  return `${who} signed a payment${bound}${how}`;
};

const policiesText = ({ policy, evidence = {} }: Entry, names: Names): string => {
  const policies = evidence['policies'];
  if (!Array.isArray(policies)) return policy === undefined ? 'no policy' : `policy ${policy}`;
  return `policies: ${policies
    .map((each: Json) => {
      const { kind, account } = each as Members;
      return kind === 'default'
        ? 'default'
        : `${textOf(kind) ?? ''} of ${names.of(textOf(account) ?? '')}`;
    })
    .join(', ')}`;
};

const PAID: Readonly<Record<string, string>> = {
  credit: 'paid from credit',
  lent: 'paid from credit of an ancestor',
  deferred: 'paid by a payment that moves afterwards',
  upfront: 'paid by a payment that moves first',
  card: 'paid by a card',
};

const paidBy = ({ paidBy: by }: Members): string => PAID[textOf(by) ?? ''] ?? 'nothing to pay';

/** The limit as it was at the decision. */
const limitText = (limit: Json | undefined): string => {
  if (typeof limit !== 'object' || limit === null || Array.isArray(limit)) return '';
  const state = limit as Members;
  const rule = textOf(state['rule']) ?? '';
  const figure = (name: string): string =>
    countsCalls(rule) ? `${textOf(state[name]) ?? '0'} calls` : money(textOf(state[name]));
  const resets = state['resetsAt'];
  const until = typeof resets === 'number' ? `, resets ${isoTime(resets)}` : '';
  return ` (limit ${figure('limit')}, spent ${figure('spent')}, held ${figure('held')}${until})`;
};

const transactionText = (account: Entry['account'], payment: Members): string => {
  const transaction = textOf(payment['transaction']);
  if (transaction === undefined) return '';
  const network = parseAccountId(account)?.network;
  const link = network === undefined ? undefined : explorerLink(network, transaction);
  return ` in ${link ?? transaction}`;
};

const reasonText = ({ reason, status }: Members): string => {
  const parts = [
    typeof status === 'number' && status > 0 ? `status ${status}` : undefined,
    typeof reason === 'string' ? printable(reason) : undefined,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
};

const money = (amount: string | undefined): string =>
  amount !== undefined && /^-?[0-9]{1,78}$/.test(amount) ? dollars(amount) : '$0.00';

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;
