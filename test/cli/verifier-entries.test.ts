import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/protocol/entry.ts';
import {
  brokenIn,
  editIn,
  findingOf,
  isMissing,
  placeIn,
  relinked,
  useCopies,
  verifyInBoth,
  why,
} from './support/python-verifier.ts';

describe.skipIf(isMissing)(`the verifiers on an export whose entries are changed${why}`, () => {
  const copied = useCopies();

  describe('with entries changed', () => {
    const dearer = (entry: Entry): Entry => ({ ...entry, at: entry.at + 1 });

    it('names an entry that was changed after the next one was written', async () => {
      const copy = copied();
      const log = editIn(copy, 'credit.lent', dearer);
      const { report } = await verifyInBoth([copy.path]);
      expect(brokenIn(report)).toEqual({ chain: 'altered', log: 'not_as_logged' });
      const at = placeIn(copy, 'credit.lent').at;
      expect(findingOf(report, 'chain').first).toMatchObject({
        file: join(copy.path, log),
        line: at + 1,
        seq: at + 1,
      });
    });

    it('finds a chain that was written again under the leaves of the log', async () => {
      const copy = copied();
      editIn(copy, 'credit.lent', dearer, relinked);
      const { report } = await verifyInBoth([copy.path]);
      expect(brokenIn(report)).toEqual({ log: 'not_as_logged' });
    });

    const swapped = ([one, other, ...rest]: readonly Entry[]): readonly Entry[] =>
      [other, one, ...rest].filter((entry) => entry !== undefined);
    it.each([
      ['dropped', (entries: readonly Entry[]) => entries.toSpliced(1, 1), 'gap'],
      [
        'repeated',
        (entries: readonly Entry[]) => entries.toSpliced(1, 0, ...entries.slice(1, 2)),
        'repeated',
      ],
      ['swapped', swapped, 'repeated'],
    ])('names an entry that was %s', async (_, change, reason) => {
      const copy = copied();
      const { log } = placeIn(copy, 'credit.lent');
      copy.put(log, change(copy.entries(log)));
      const { report } = await verifyInBoth([copy.path]);
      expect(brokenIn(report)).toMatchObject({ chain: reason });
    });

    it('names an entry of another account', async () => {
      const copy = copied();
      const [one = '', two = ''] = copy.logs();
      copy.put(one, [...copy.entries(one), ...copy.entries(two)]);
      const { report } = await verifyInBoth([join(copy.path, one)]);
      expect(brokenIn(report)).toMatchObject({ chain: 'foreign_account' });
    });

    it('finds a chain that was cut off, and one that is missing', async () => {
      const copy = copied();
      const { log } = placeIn(copy, 'credit.lent');
      copy.put(log, copy.entries(log).slice(0, -1));
      const cut = await verifyInBoth([copy.path]);
      expect(brokenIn(cut.report)).toEqual({ log: 'truncated' });
      copy.remove(log);
      const missing = await verifyInBoth([copy.path]);
      expect(findingOf(missing.report, 'chain').verdict).toBe('not checked');
      expect(findingOf(missing.report, 'log').verdict).toBe('not checked');
    });
  });

  describe('with a signature or a signed field changed, and the chain written again', () => {
    type Evidence = Readonly<Record<string, Readonly<Record<string, string>>>>;
    const with_ = (entry: Entry, name: string, value: unknown): Entry => ({
      ...entry,
      evidence: { ...entry.evidence, [name]: value as string },
    });
    const inside = (entry: Entry, name: string, changed: object): Entry =>
      with_(entry, name, { ...(entry.evidence as Evidence)[name], ...changed });
    const zeros = `0x${'00'.repeat(65)}`;

    const cases: readonly (readonly [string, string, (entry: Entry) => Entry, string])[] = [
      [
        'a signature of zeros',
        'call.accepted',
        (entry) => with_(entry, 'intentSignature', zeros),
        'recovery_byte',
      ],
      [
        'no signature',
        'account.policy',
        (entry) => ({ ...entry, evidence: { by: entry.account } }),
        'missing',
      ],
      ['no evidence', 'grant.issued', ({ evidence: _, ...entry }) => entry, 'missing'],
      [
        'an intent for a higher amount',
        'call.accepted',
        (entry) => inside(entry, 'intent', { maxAmount: '99999999' }),
        'mismatch',
      ],
      [
        'an order of another day',
        'account.policy',
        (entry) => inside(entry, 'order', { validAfter: '1' }),
        'wrong_signer',
      ],
      [
        'the text of a policy',
        'account.policy',
        (entry) => with_(entry, 'policy', { windows: [] }),
        'mismatch',
      ],
      [
        'a grant without a limit',
        'grant.issued',
        (entry) => inside(entry, 'delegation', { maxTotal: '99999999999' }),
        'mismatch',
      ],
      [
        'a revocation of another grant',
        'grant.revoked',
        (entry) => inside(entry, 'revocation', { id: `0x${'11'.repeat(32)}` }),
        'mismatch',
      ],
      [
        'another payment signature',
        'payment.settled',
        (entry) => with_(entry, 'signature', zeros),
        'mismatch',
      ],
      [
        'no payment signature',
        'payment.settled',
        (entry) => ({ ...entry, evidence: {} }),
        'missing',
      ],
      [
        'a denial of another call',
        'call.denied',
        (entry) => inside(entry, 'intent', { tool: 'other' }),
        'mismatch',
      ],
      [
        'a price above the signed one',
        'call.accepted',
        (entry) => ({ ...entry, amounts: { price: '900000000' } }),
        'mismatch',
      ],
      [
        'a signature where none belongs',
        'call.finished',
        (entry) => with_(entry, 'signature', zeros),
        'unexpected',
      ],
    ];

    it.each(cases)('reports %s', async (_, type, change, reason) => {
      const copy = copied();
      editIn(copy, type, change, relinked);
      const { code, report } = await verifyInBoth([copy.path]);
      expect(brokenIn(report)).toMatchObject({ signatures: reason, log: 'not_as_logged' });
      expect(findingOf(report, 'signatures').first).toMatchObject({
        file: join(copy.path, placeIn(copy, type).log),
        line: placeIn(copy, type).at + 1,
      });
      expect(code).toBe(1);
    });

    it('reports a signature with the other s', async () => {
      const copy = copied();
      const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
      editIn(
        copy,
        'grant.issued',
        (entry) => {
          const signature = entry.evidence?.['signature'] as string;
          const s = (order - BigInt(`0x${signature.slice(66, 130)}`))
            .toString(16)
            .padStart(64, '0');
          const v = signature.endsWith('1b') ? '1c' : '1b';
          return with_(entry, 'signature', signature.slice(0, 66) + s + v);
        },
        relinked,
      );
      const { report } = await verifyInBoth([copy.path]);
      expect(brokenIn(report)).toMatchObject({ signatures: 'high_s' });
    });
  });

  describe('with a decision or an amount changed, and the chain written again', () => {
    const amounts = (entry: Entry, changed: object): Entry => ({
      ...entry,
      amounts: { ...entry.amounts, ...changed },
    });
    const outcome = (entry: Entry, changed: object): Entry => ({
      ...entry,
      outcome: { ...entry.outcome, ...changed },
    });
    const payment = (entry: Entry, changed: object): Entry => ({
      ...entry,
      payment: { ...entry.payment, ...changed },
    });
    const cases: readonly (readonly [string, string, (entry: Entry) => Entry, object])[] = [
      [
        'a lower price',
        'call.accepted',
        (e) => amounts(e, { price: '1' }),
        { prices: 'wrong_price' },
      ],
      [
        'a higher charge',
        'call.finished',
        (e) => amounts(e, { charged: '9000000' }),
        { payments: 'wrong_amount' },
      ],
      [
        'a failure as a success',
        'call.finished',
        (e) => outcome(e, { success: false }),
        { calls: 'wrong_transition' },
      ],
      [
        'a settled payment as open',
        'call.finished',
        (e) => payment(e, { state: 'sent' }),
        { calls: 'wrong_transition' },
      ],
      [
        'another amount on the chain',
        'payment.settled',
        (e) => amounts(e, { amount: '7' }),
        { payments: 'wrong_amount' },
      ],
      [
        'a refund of more',
        'call.refunded',
        (e) => amounts(e, { amount: '1001', refunded: '1001' }),
        { payments: 'wrong_amount' },
      ],
      [
        'a call of another grant',
        'call.accepted',
        (e) => payment(e, { grant: `0x${'1'.repeat(64)}` }),
        { limits: 'wrong_grant' },
      ],
      [
        'a denial by another rule',
        'call.denied',
        (e) => ({ ...e, rule: 'tool' }),
        { denials: 'wrong_rule' },
      ],
      [
        'a denial with another limit',
        'call.denied',
        (e) => outcome(e, { limit: { ...(e.outcome?.['limit'] as object), spent: '1' } }),
        { denials: 'wrong_limit' },
      ],
      [
        'a denial at another place',
        'call.denied',
        (e) => outcome(e, { after: 1_000 }),
        { denials: 'wrong_place' },
      ],
      [
        'a denial that names no place',
        'call.denied',
        ({ outcome, ...e }) => {
          const { after: _, ...others } = outcome ?? {};
          return { ...e, outcome: others };
        },
        { denials: 'wrong_place' },
      ],
    ];

    it.each(cases)('reports %s', async (_, type, change, found) => {
      const copy = copied();
      editIn(copy, type, change, relinked);
      const { report } = await verifyInBoth([copy.path]);
      expect(brokenIn(report)).toMatchObject(found);
    });

    it('reports a call that is accepted twice, and one whose settlement is left out', async () => {
      const copy = copied();
      const { log, at } = placeIn(copy, 'payment.settled');
      const entries = copy.entries(log);
      copy.put(log, relinked(entries.toSpliced(at, 1)));
      expect(brokenIn((await verifyInBoth([copy.path])).report)).toMatchObject({
        calls: 'wrong_transition',
      });
      const first = entries.findIndex(({ type: of }) => of === 'call.accepted');
      copy.put(log, relinked([...entries, entries[first] as Entry]));
      expect(brokenIn((await verifyInBoth([copy.path])).report)).toMatchObject({
        calls: 'accepted_twice',
      });
    });
  });
});
