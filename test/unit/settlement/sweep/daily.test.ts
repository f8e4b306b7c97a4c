import { describe, expect, test } from 'vitest';
import { BY_KEY, BY_TIME } from '../../../../src/settlement/sweep/ledger.ts';
import { db } from '../../audit/database.ts';
import { differences, enter, runs, sweeping, wellAfter } from './ledger.ts';
import { hashOf, nonce, paid, timeOf } from './node.ts';
import {
  ALICE,
  DAY,
  LAST,
  chainOf,
  cursor,
  payment,
  world,
  useReconcileWorld,
} from './reconcile-world.ts';

useReconcileWorld();

describe('once a day', () => {
  test('the last days are compared again, which finds payments that were reorganised away', async () => {
    const transaction = await payment(1, 10, 'settled');
    const stays = await payment(2, 12, 'settled');
    const { run } = sweeping();
    const now = wellAfter(LAST);
    await run(now);
    expect(await differences()).toEqual([]);
    world.node.forget(transaction);
    await run(now + 900);
    expect(await differences()).toEqual([]);
    // The next UTC day.
    const next = (Math.floor(now / DAY) + 1) * DAY;
    await run(next);
    expect(await differences()).toMatchObject([{ kind: 'missing', call: nonce(1) }]);
    expect((await runs()).at(-1)).toMatchObject({
      ...{ kind: 'again', state: 'complete', chain_amount: '2', ledger_amount: '4' },
    });
    expect(stays).toBeDefined();
    await run(next + 900);
    expect((await runs()).filter(({ kind }) => kind === 'again')).toHaveLength(1);
    // The payment is mined again, in a later block.
    world.node.mine(30, hashOf(30, 1), paid(ALICE, nonce(1), 2n));
    await run(next + 1_800);
    expect(await differences()).toMatchObject([
      {
        kind: 'moved',
        call: nonce(1),
        block: 30,
        ledger_block: 10,
        transaction_hash: hashOf(30, 1),
      },
    ]);
  });

  test('the comparison continues in the next run if it is long, and new blocks come first', async () => {
    chainOf(40_000);
    const { run } = sweeping();
    const now = wellAfter(40_000);
    await run(now);
    const next = (Math.floor(now / DAY) + 1) * DAY;
    world.node.state.maxRange = 100;
    const before = world.node.windows.length;
    await run(next);
    const { again_next: goesOn, again_to: to } = (await cursor()) ?? {};
    expect(goesOn).toBeLessThan(Number(to));
    const windows = world.node.windows.length - before;
    expect(windows).toBeLessThanOrEqual(50);
    await run(next + 900);
    expect(world.node.windows[before + windows]?.[0]).toBe(goesOn);
    world.node.state.maxRange = Infinity;
    for (let at = 2; at < 8; at += 1) await run(next + at * 900);
    expect(await cursor()).toMatchObject({ again_next: null, again_to: null });
  });

  test('old runs are deleted, and old differences that are resolved or informational', async () => {
    await payment(1, 10, { state: 'open' });
    await payment(2, 12);
    const { run } = sweeping();
    const now = wellAfter(LAST);
    await run(now);
    await run(now + 91 * DAY);
    expect(await differences()).toMatchObject([{ call: nonce(1) }]);
    expect((await runs()).map(({ at }) => at)).not.toContain(now);
  });
});

describe('the ledger', () => {
  const plan = async (sql: string): Promise<string> => {
    const { results } = await db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all<{ detail: string }>();
    return results.map(({ detail }) => detail).join('\n');
  };

  test('is read by key and by time, and never as a whole', async () => {
    const byKey = await plan(BY_KEY.replace('?1', "'[]'"));
    expect(byKey).toContain('SEARCH c USING PRIMARY KEY (accepted_at=? AND account=? AND call=?)');
    expect(byKey).toContain(
      'SEARCH located USING COVERING INDEX calls_of_account (account=? AND segment=? AND call=?)',
    );
    const byTime = await plan(BY_TIME.replaceAll(/\?3/g, "'x'").replaceAll(/\?[0-9]/g, '1'));
    expect(byTime).toContain('SEARCH c USING PRIMARY KEY (accepted_at>? AND accepted_at<?)');
    expect(`${byKey}${byTime}`).not.toMatch(/SCAN c\b/);
  });

  test('has payments of other networks that are not compared', async () => {
    const lost = { state: 'settled', amount: 2n, block: 20, transaction: hashOf(20, 1) } as const;
    await enter(ALICE, nonce(1), timeOf(19), lost);
    await db.batch([db.prepare("UPDATE calls SET account = replace(account, '84532', '845320')")]);
    await sweeping().run(wellAfter(LAST));
    expect(await differences()).toEqual([]);
    expect(await runs()).toMatchObject([{ ledger_payments: 0 }]);
  });
});
