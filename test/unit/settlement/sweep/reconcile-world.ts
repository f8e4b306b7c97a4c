import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { db, freshDatabase } from '../../audit/database.ts';
import { answerHosts } from '../scripted-chain.ts';
import { differences, emptyTables, enter, type LedgerFate } from './ledger.ts';
import { hashOf, nonce, paid, payer, type ScriptedNode, scriptNode, timeOf } from './node.ts';

/** The state, which is new for each test. */
type World = {
  node: ScriptedNode;
};

export const world = {} as World;

export const HEAD = 60;
export const LAST = HEAD - 10;
export const DAY = 86_400;
export const ALICE = payer(1);

/** Logged events. */
export const said: unknown[] = [];

export const chainOf = (head: number): ScriptedNode => {
  world.node = scriptNode(head);
  answerHosts({ 'node.test': world.node.respond });
  return world.node;
};

/** A payment that the chain has in a block, and the ledger as given. */
export const payment = async (
  seed: number,
  block: number,
  fate?: LedgerFate | 'settled',
): Promise<Hex> => {
  const transaction = hashOf(block, seed);
  world.node.mine(block, transaction, paid(ALICE, nonce(seed), 2n));
  const known =
    fate === 'settled' ? ({ state: 'settled', amount: 2n, block, transaction } as const) : fate;
  if (known !== undefined) await enter(ALICE, nonce(seed), timeOf(block) - 3, known);
  return transaction;
};

/** Applies the effect of the account's recheck: its entry settles the payment in D1. */
export const settle = async (seed: number, block: number, transaction: Hex): Promise<void> => {
  await db
    .prepare(
      `UPDATE calls SET payment = 'settled', amount = 2, credited = 2, transaction_hash = ?2, block = ?3, payment_at = 1, payment_seq = 9
       WHERE call = ?1`,
    )
    .bind(nonce(seed), transaction, block)
    .run();
};

export const cursor = () =>
  db.prepare('SELECT * FROM sweeps').first<Readonly<Record<string, number | null>>>();

export const kinds = async (): Promise<readonly unknown[]> =>
  (await differences()).map(({ kind }) => kind);

/** Empties the tables before each test. Every file must call it, because test files share modules. */
export const useReconcileWorld = (): void => {
  beforeAll(freshDatabase);
  beforeEach(async () => {
    await emptyTables();
    said.length = 0;
    for (const level of ['log', 'warn', 'error'] as const) {
      vi.spyOn(console, level).mockImplementation((event) => {
        said.push(event);
      });
    }
    chainOf(HEAD);
  });
  afterAll(emptyTables);
  afterEach(() => {
    vi.restoreAllMocks();
  });
};
