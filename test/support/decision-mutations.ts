/**
 * Changes of what an account decided, or of what an entry repeats of it. Chain and log are written anew, and no checkpoint or receipt is kept: only
 * what others signed, and what does not add up, can find them.
 */
import { textHash } from '../../src/audit/verify/logged-text.ts';
import type { Entry, Json } from '../../src/protocol/entry.ts';
import { type ExportTexts, type Mutation, relinked, relogged } from './export-texts.ts';

type Members = Readonly<Record<string, Json>>;

const within =
  (member: 'evidence' | 'outcome' | 'payment', changes: Members) =>
  (entry: Entry): Entry => ({ ...entry, [member]: { ...entry[member], ...changes } });

const without =
  (member: 'evidence' | 'outcome' | 'payment', name: string) =>
  (entry: Entry): Entry => {
    const { [name]: _, ...others } = entry[member] ?? {};
    return { ...entry, [member]: others };
  };

const HASH = `0x${'1'.repeat(64)}` as const;
const ADDRESS = `0x${'1'.repeat(40)}`;

/** Changes the first chain that has a matching entry, and rebuilds its hashes and the log. */
const inChain = async (
  texts: ExportTexts,
  isMeant: (entry: Entry) => boolean,
  change: (entries: readonly Entry[], at: number) => readonly Entry[],
): Promise<ExportTexts> => {
  for (const [account, entries] of texts.logs) {
    const at = entries.findIndex(isMeant);
    if (at < 0) continue;
    const changed = relinked(change(entries, at));
    return await relogged({ ...texts, logs: new Map(texts.logs).set(account, changed) });
  }
  throw new Error('no log has such an entry');
};

const decided = (
  name: string,
  isMeant: Entry['type'] | ((entry: Entry) => boolean),
  change: (entry: Entry) => Entry,
  found: Mutation['found'],
): Mutation => ({
  name: `${name}, chain and log rebuilt`,
  change: async (texts) =>
    await inChain(
      texts,
      typeof isMeant === 'string' ? ({ type }) => type === isMeant : isMeant,
      (entries, at) => entries.with(at, change(entries[at] as Entry)),
    ),
  found,
});

const isPaidBy =
  (source: string, type: Entry['type'] = 'call.accepted') =>
  (entry: Entry): boolean =>
    entry.type === type && entry.payment?.['paidBy'] === source;

/** The issuer of the grant that an account took. */
const issuerIn = (entries: readonly Entry[], account: string): string => {
  const taken = entries.find(({ type }) => type === 'grant.taken')?.evidence?.['delegation'];
  return `${account.slice(0, account.lastIndexOf(':'))}:${(taken as Members)['issuer'] as string}`;
};

const OTHER_CALL = { calls: 'other_call' };

export const DECISION_MUTATIONS: readonly Mutation[] = [
  // Fields that the caller signed.
  decided(
    'a call for another audience',
    isPaidBy('lent'),
    within('evidence', { audience: 'https://other.example' }),
    { signatures: 'mismatch', limits: 'wrong_grant' },
  ),
  decided(
    'a payment to another payee',
    isPaidBy('deferred'),
    within('payment', { payTo: ADDRESS }),
    {
      signatures: 'mismatch',
    },
  ),
  decided('a denial for another payee', 'call.denied', within('payment', { payTo: ADDRESS }), {
    signatures: 'mismatch',
  }),
  decided('a denial with another end', 'call.denied', within('evidence', { validBefore: 1 }), {
    signatures: 'mismatch',
  }),
  decided(
    'a denial that names another grant',
    'call.denied',
    within('outcome', { authority: HASH }),
    { denials: 'wrong_grant' },
  ),
  decided(
    'a consent for another audience',
    'grant.taken',
    (entry) =>
      within('evidence', {
        consent: { ...(entry.evidence?.['consent'] as Members), audience: 'https://other.example' },
      })(entry),
    { signatures: 'mismatch' },
  ),
  // Fields of the call that later entries repeat.
  decided(
    'an answer of another tool',
    'call.finished',
    (e) => ({ ...e, tool: 'other' }),
    OTHER_CALL,
  ),
  decided(
    'an answer to another request',
    'call.finished',
    (e) => ({ ...e, request: HASH }),
    OTHER_CALL,
  ),
  decided(
    'an answer under another policy',
    'call.finished',
    (e) => ({ ...e, policy: HASH }),
    OTHER_CALL,
  ),
  decided(
    'an answer that other money paid',
    'call.finished',
    within('payment', { paidBy: 'free' }),
    OTHER_CALL,
  ),
  decided(
    'a settlement for another tool',
    'payment.settled',
    (e) => ({ ...e, tool: 'other' }),
    OTHER_CALL,
  ),
  decided(
    'a settlement for another request',
    'payment.settled',
    (e) => ({ ...e, request: HASH }),
    OTHER_CALL,
  ),
  decided('a settlement for no tool', 'payment.settled', ({ tool: _, ...e }) => e, OTHER_CALL),
  decided(
    'a refund of another tool',
    'call.refunded',
    (e) => ({ ...e, tool: 'other' }),
    OTHER_CALL,
  ),
  // Grants.
  decided('credit of another lender', isPaidBy('lent'), within('payment', { lender: HASH }), {
    limits: 'wrong_grant',
  }),
  decided('credit of no lender', isPaidBy('lent'), without('payment', 'lender'), {
    limits: 'wrong_grant',
  }),
  decided(
    'another account above',
    'grant.taken',
    within('outcome', { above: [`eip155:84532:${ADDRESS}`] }),
    { calls: 'wrong_grant' },
  ),
  {
    name: 'a policy of an account above that never stood there, chain and log rebuilt',
    change: async (texts) =>
      await inChain(texts, isPaidBy('lent'), (entries, at) => {
        const { call, policy, evidence = {}, account } = entries[at] as Entry;
        const named = evidence['policies'] as readonly Members[];
        const above = named.find((each) => each['kind'] === 'default');
        const issuer = issuerIn(entries, account);
        const policies = [
          ...named,
          { kind: 'operator', account: issuer, hash: above?.['hash'] ?? '' },
        ];
        const hash = textHash(policies);
        return entries.map((entry): Entry =>
          entry.call !== call || entry.policy !== policy
            ? entry
            : entry.evidence === undefined
              ? { ...entry, policy: hash }
              : { ...entry, policy: hash, evidence: { ...entry.evidence, policies } },
        );
      }),
    found: { totals: 'wrong_policies' },
  },
  {
    // The borrower wrote a later entry. Credit that its chain does not show as spent by then was not spent.
    name: 'more credit lent than its borrower spent, chain and log rebuilt',
    change: async (texts) => {
      const lent = await inChain(
        texts,
        ({ type }) => type === 'credit.lent',
        (entries, at) =>
          entries.with(at, { ...(entries[at] as Entry), amounts: { amount: '9000000' } }),
      );
      const to = [...texts.logs.values()].flat().find(({ type }) => type === 'credit.lent')
        ?.payment?.['to'];
      return await inChain(
        lent,
        ({ account }) => account === to,
        (entries) => {
          const last = entries.at(-1) as Entry;
          return entries.with(-1, { ...last, at: last.at + 600 });
        },
      );
    },
    found: { totals: 'wrong_credit' },
  },
  // Decisions by a person.
  decided('a call that waits for nobody', 'call.parked', within('outcome', { above: '1' }), {
    limits: 'approval',
  }),
  decided(
    'an approval that no person signed',
    'call.approved',
    ({ evidence: _, ...entry }) => ({ ...entry, decision: 'expired' }),
    { signatures: 'malformed' },
  ),
  decided('a call that waits longer', 'call.parked', within('outcome', { until: 4_000_000_000 }), {
    limits: 'approval',
  }),
  decided(
    'an approval for longer',
    'call.approved',
    within('outcome', { until: 4_000_000_000 }),
    OTHER_CALL,
  ),
  {
    name: 'a call that ran without its approval, chain and log rebuilt',
    change: async (texts) =>
      await inChain(
        texts,
        ({ type }) => type === 'call.parked',
        (entries, at) => {
          const { call } = entries[at] as Entry;
          return entries
            .filter(
              (entry) =>
                entry.call !== call || !/^(call\.(parked|approved)|alert)/.test(entry.type),
            )
            .map((entry): Entry => {
              if (entry.call !== call || entry.type !== 'call.accepted') return entry;
              const { rule: _, ...others } = entry;
              return others;
            });
        },
      ),
    found: { limits: 'approval' },
  },
  {
    name: 'a command repeated, chain and log rebuilt',
    change: async (texts) =>
      await inChain(
        texts,
        ({ type }) => type === 'account.policy',
        (entries, at) => [...entries, entries[at] as Entry],
      ),
    found: { signatures: 'repeated' },
  },
  {
    name: 'a command shown as one of another kind, chain and log rebuilt',
    change: async (texts) =>
      await inChain(
        texts,
        ({ type }) => type === 'account.policy',
        (entries, at) =>
          entries.with(at, {
            ...(entries[at] as Entry),
            type: 'account.status',
            decision: 'active',
            outcome: { side: 'owner', status: 'active' },
          }),
      ),
    found: { signatures: 'mismatch' },
  },
];
