import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { freshDatabase } from '../../audit/database.ts';
import { answerHosts } from '../scripted-chain.ts';
import { runs as runsOf } from '../../../support/runs.ts';
import {
  type Emitted,
  hashOf,
  nonce,
  OTHER,
  paid,
  PAY_TO,
  payer,
  scriptNode,
  timeOf,
  transfer,
  used,
} from './node.ts';
import {
  type DifferenceRow,
  differences,
  emptyTables,
  enter,
  type LedgerFate,
  runs,
  sweeping,
  wellAfter,
} from './ledger.ts';

/** One payment, as the chain and the ledger have it. There are few payers, so that each has many payments. */
type Fate = {
  readonly payer: number;
  readonly chain?: { readonly block: number; readonly amount: bigint; readonly with: number };
  readonly ledger?: { readonly state: LedgerFate['state']; readonly like: number };
};

const HEAD = 60;
const DEPTH = 10;
const LAST = HEAD - DEPTH;

const fates = fc.array(
  fc.record<Fate>(
    {
      payer: fc.nat(2),
      chain: fc.record({
        block: fc.integer({ min: 0, max: LAST }),
        amount: fc.bigInt({ min: 1n, max: 3n }),
        // The index of one of the block's few transactions, which the payment shares with others.
        with: fc.nat(1),
      }),
      ledger: fc.record({
        state: fc.constantFrom('open', 'failed', 'released', 'settled', 'settled', 'settled'),
        // The ledger mostly agrees with the chain.
        like: fc.nat(11),
      }),
    },
    { requiredKeys: ['payer'] },
  ),
  { maxLength: 14 },
);

const noises = fc.array(
  fc.record({
    block: fc.integer({ min: 0, max: LAST }),
    with: fc.nat(1),
    kind: fc.constantFrom('plain', 'nothing', 'elsewhere', 'apart', 'foreign'),
    payer: fc.nat(2),
  }),
  { maxLength: 8 },
);

/** Other logs in a transaction, selected by a number. */
const noise = (kind: string, from: `0x${string}`, at: number): readonly Emitted[] => {
  const other = nonce(10_000 + at);
  switch (kind) {
    case 'plain':
      return [transfer(from, PAY_TO, 2n)];
    case 'nothing':
      return [transfer(from, PAY_TO, 0n)];
    // A payment of one of the payers to another receiver.
    case 'elsewhere':
      return paid(from, other, 2n, OTHER);
    // An authorization used for a transfer to its payer, and then a plain transfer: not a payment.
    case 'apart':
      return [used(from, other), transfer(from, from, 2n), transfer(from, PAY_TO, 2n)];
    // The same logs of another token.
    default:
      return paid(from, other, 2n).map((log) => ({ ...log, address: OTHER }));
  }
};

const ledgerOf = ({ chain, ledger }: Fate): LedgerFate | undefined => {
  if (ledger === undefined) return undefined;
  if (ledger.state === 'open') return { state: 'open' };
  const amount = chain?.amount ?? 2n;
  if (ledger.state !== 'settled') return { state: ledger.state, amount };
  const block = chain?.block ?? 20;
  const transaction = hashOf(block, chain?.with ?? 0);
  const same = { state: 'settled', amount, block, transaction } as const;
  switch (ledger.like) {
    case 0:
      return { ...same, amount: amount + 1n };
    case 1:
      return { ...same, block: (block + 7) % (LAST + 1) };
    case 2:
      return { ...same, transaction: hashOf(block, 9) };
    case 3:
      return { ...same, amount: amount + 1n, block: (block + 7) % (LAST + 1) };
    default:
      return same;
  }
};

/** The reference: it compares both sides directly, because the test knows both. */
const expected = (all: readonly Fate[], others: readonly Expected[]) => {
  const found: Expected[] = [...others];
  let [chain, ledger] = [0n, 0n];
  for (const [at, fate] of all.entries()) {
    const known = ledgerOf(fate);
    const settled = known?.state === 'settled' ? known : undefined;
    const { chain: moved } = fate;
    const subject = nonce(at);
    chain += moved?.amount ?? 0n;
    ledger += settled?.amount ?? 0n;
    if (moved === undefined) {
      if (settled !== undefined) found.push({ subject, kind: 'missing', informational: 0 });
    } else if (settled === undefined) {
      found.push({ subject, kind: 'unrecorded', informational: known === undefined ? 1 : 0 });
    } else if (settled.amount !== moved.amount) {
      found.push({ subject, kind: 'amount', informational: 0 });
      // The chain never had the payment in the ledger's block.
      if (settled.block !== moved.block) {
        found.push({ subject, kind: 'missing', informational: 0 });
      }
    } else if (
      settled.block !== moved.block ||
      settled.transaction !== hashOf(moved.block, moved.with)
    ) {
      found.push({ subject, kind: 'moved', informational: 1 });
    }
  }
  return { chain, ledger, found: inOrder(found) };
};

type Expected = {
  readonly subject: string;
  readonly kind: string;
  readonly informational: number;
};

const inOrder = (all: readonly Expected[]): readonly string[] =>
  all.map(({ subject, kind, informational }) => `${subject} ${kind} ${informational}`).toSorted();

const seen = (rows: readonly DifferenceRow[]): readonly string[] =>
  inOrder(rows as unknown as readonly Expected[]);

const sum = (rows: readonly DifferenceRow[], side: 'chain_amount' | 'ledger_amount'): bigint =>
  rows.reduce((all, row) => all + BigInt(row[side] ?? 0), 0n);

beforeAll(freshDatabase);
beforeEach(emptyTables);
afterAll(emptyTables);
afterEach(() => {
  vi.restoreAllMocks();
});

describe('the differences of a run', () => {
  test('equal those of a direct comparison, whatever the node refuses and wherever a run stops', async () => {
    const quiet = ['log', 'warn', 'error'] as const;
    for (const level of quiet) vi.spyOn(console, level).mockImplementation(() => undefined);
    await fc.assert(
      fc.asyncProperty(
        fates,
        noises,
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 2, max: 12 }),
        fc.integer({ min: 3, max: 40 }),
        async (all, others, maxRange, maxLogs, answers) => {
          await emptyTables();
          const node = scriptNode(HEAD);
          answerHosts({ 'node.test': node.respond });
          const transactions = new Map<string, Emitted[]>();
          const put = (block: number, at: number, logs: readonly Emitted[]): number => {
            const key = `${block} ${at}`;
            const own = transactions.get(key) ?? [];
            transactions.set(key, [...own, ...logs]);
            return own.length;
          };
          for (const [at, fate] of all.entries()) {
            const from = payer(fate.payer);
            const { chain } = fate;
            if (chain) put(chain.block, chain.with, paid(from, nonce(at), chain.amount));
            const known = ledgerOf(fate);
            const when = timeOf(chain?.block ?? 20) - 3;
            if (known !== undefined) await enter(from, nonce(at), when, known);
          }
          const plain: { block: number; transaction: string; at: number }[] = [];
          for (const [at, each] of others.entries()) {
            const logs = noise(each.kind, payer(each.payer), at);
            const first = put(each.block, each.with, logs);
            if (each.kind !== 'plain' && each.kind !== 'apart') continue;
            const transaction = hashOf(each.block, each.with);
            plain.push({ block: each.block, transaction, at: first + logs.length - 1 });
          }
          const inBlock = [...transactions].toSorted(([one], [other]) => one.localeCompare(other));
          for (const [key, logs] of inBlock) {
            const [block, at] = key.split(' ').map(Number) as [number, number];
            node.mine(block, hashOf(block, at), logs);
          }
          // Log indexes count over all transactions of a block.
          const unsolicited = plain.map(({ block, transaction, at }): Expected => {
            const before = transaction === hashOf(block, 1) ? transactions.get(`${block} 0`) : [];
            const subject = `${transaction}:${at + (before?.length ?? 0)}`;
            return { subject, kind: 'unsolicited', informational: 1 };
          });

          Object.assign(node.state, { maxRange, maxLogs: Math.max(maxLogs, 8), answers });
          const { run } = sweeping();
          const now = wellAfter(LAST);
          // The first run may stop anywhere. Each run has fifty windows.
          for (let at = 0; at < 12 && !(await isComplete()); at += 1) {
            await run(now + at);
            Object.assign(node.state, { answers: Infinity, maxLogs: Infinity });
          }
          const want = expected(all, unsolicited);
          expect(seen(await differences())).toEqual(want.found);
          const kept = await runs();
          expect(sum(kept, 'chain_amount')).toBe(want.chain);
          expect(sum(kept, 'ledger_amount')).toBe(want.ledger);
          if (want.found.length === 0) expect(want.chain).toBe(want.ledger);
          expect(kept.at(-1)).toMatchObject({ state: 'complete', to_block: LAST });
        },
      ),
      // One invocation allows some ten thousand database queries, which limits the runs.
      { numRuns: runsOf(100, 12) },
    );
  });
});

const isComplete = async (): Promise<boolean> => (await runs()).at(-1)?.['state'] === 'complete';
