import { describe, expect, test, vi } from 'vitest';
import { db } from '../../audit/database.ts';
import { answerHosts } from '../scripted-chain.ts';
import { differences, enter, NETWORK, runs, site, sweeping, wellAfter } from './ledger.ts';
import { hashOf, nonce, OTHER, paid, PAY_TO, timeOf, transfer } from './node.ts';
import {
  ALICE,
  DAY,
  LAST,
  kinds,
  payment,
  settle,
  world,
  useReconcileWorld,
} from './reconcile-world.ts';

useReconcileWorld();

describe('a difference', () => {
  test('of each kind has both sides', async () => {
    const moved = await payment(1, 10, { state: 'released', amount: 2n });
    const other = await payment(2, 12, {
      ...{ state: 'settled', amount: 3n, block: 12, transaction: hashOf(12, 2) },
    });
    await payment(3, 14, { state: 'settled', amount: 2n, block: 16, transaction: hashOf(14, 3) });
    await enter(ALICE, nonce(4), timeOf(18), {
      ...{ state: 'settled', amount: 7n, block: 20, transaction: hashOf(20, 4) },
    });
    world.node.mine(22, hashOf(22, 5), [transfer(OTHER, PAY_TO, 5n)]);
    await payment(6, 24);
    const { run } = sweeping();
    await run(wellAfter(LAST));
    const account = `${NETWORK}:${ALICE}`;
    expect(await differences()).toMatchObject([
      {
        ...{ kind: 'unrecorded', informational: 0, account, call: nonce(1), block: 10 },
        ...{ chain_amount: '2', ledger: 'released', transaction_hash: moved },
      },
      {
        ...{ kind: 'amount', informational: 0, chain_amount: '2', ledger: 'settled' },
        ...{ ledger_amount: '3', ledger_transaction: other, ledger_block: 12 },
      },
      { kind: 'moved', informational: 1, block: 14, ledger_block: 16, chain_amount: '2' },
      {
        ...{ kind: 'missing', informational: 0, block: 20, chain_amount: null },
        ...{ ledger: 'settled', ledger_amount: '7', transaction_hash: null },
      },
      {
        ...{ kind: 'unsolicited', informational: 1, account: `${NETWORK}:${OTHER}`, call: null },
        ...{ subject: `${hashOf(22, 5)}:0`, log: 0, chain_amount: '5', ledger: 'absent' },
      },
      { kind: 'unrecorded', informational: 1, call: nonce(6), ledger: 'absent' },
    ]);
  });

  test('raises one alert, and another when it returns; an informational one raises none', async () => {
    const transaction = await payment(1, 10, { state: 'released', amount: 2n });
    await payment(2, 12);
    const { run, alerts } = sweeping({ sites: [site({ days: 3 })] });
    const now = wellAfter(LAST);
    await run(now);
    await run(now + 900);
    await run(now + DAY);
    expect(alerts).toEqual([
      {
        rule: 'reconciliation',
        detail: {
          ...{ network: NETWORK, kind: 'unrecorded', account: `${NETWORK}:${ALICE}`, block: 10 },
          ...{ ledger: 'released', chain: '2', call: nonce(1), transaction },
        },
      },
    ]);
    await settle(1, 10, transaction);
    await run(now + DAY + 900);
    expect(await kinds()).toEqual(['unrecorded']);
    await db.prepare("UPDATE calls SET payment = 'failed'").run();
    await run(now + 2 * DAY);
    expect(alerts).toHaveLength(2);
  });

  test('whose alert could not be raised is alerted by the next run', async () => {
    await payment(1, 10, { state: 'open' });
    const raise = vi.fn<(alert: object) => Promise<boolean>>().mockResolvedValueOnce(false);
    raise.mockResolvedValue(true);
    const { run } = sweeping({ raise });
    await run(wellAfter(LAST));
    await run(wellAfter(LAST) + 900);
    await run(wellAfter(LAST) + 1_800);
    expect(raise).toHaveBeenCalledTimes(2);
  });

  test('among many raises single alerts for some and one for the rest', async () => {
    for (let at = 0; at < 25; at += 1) await payment(at, at, { state: 'open' });
    const { run, alerts } = sweeping();
    await run(wellAfter(LAST));
    expect(alerts).toHaveLength(11);
    expect(alerts.at(-1)?.detail).toMatchObject({ kind: 'more', differences: 15 });
    await run(wellAfter(LAST) + 900);
    expect(alerts).toHaveLength(11);
  });

  test('makes the account recheck in each run, until the ledger agrees with the chain', async () => {
    const transaction = await payment(1, 10, { state: 'released', amount: 2n });
    await payment(2, 10, { state: 'open' });
    await payment(3, 11);
    const { run, looks } = sweeping();
    const now = wellAfter(LAST);
    await run(now);
    const account = `${NETWORK}:${ALICE}`;
    expect(looks).toEqual([{ account, calls: [nonce(1), nonce(2)] }]);
    await settle(1, 10, transaction);
    await run(now + 900);
    expect(looks.slice(1)).toEqual([{ account, calls: [nonce(2)] }]);
    expect(await differences(false)).toMatchObject([
      { call: nonce(1), resolved_at: now + 900, first_at: now },
      { call: nonce(2), resolved_at: null },
      { call: nonce(3), resolved_at: null },
    ]);
    await settle(2, 10, hashOf(10, 2));
    await run(now + 1_800);
    expect(looks).toHaveLength(2);
    expect(await kinds()).toEqual(['unrecorded']);
  });

  test('is rechecked although another account does not answer', async () => {
    await payment(1, 10, { state: 'open' });
    const { run, alerts } = sweeping({
      account: () => ({
        recheck: async () => {
          throw new Error('overloaded');
        },
      }),
    });
    await run(wellAfter(LAST));
    expect(alerts).toHaveLength(1);
    expect(await runs()).toMatchObject([{ state: 'complete', differences: 1 }]);
  });

  test('of an earlier run is alerted before any request', async () => {
    await payment(1, 10, { state: 'open' });
    const raisedAt: number[] = [];
    const raise = vi.fn<(alert: object) => Promise<boolean>>(async () => {
      raisedAt.push(world.node.windows.length);
      return raisedAt.length > 1;
    });
    const { run } = sweeping({ raise });
    await run(wellAfter(LAST));
    const before = world.node.windows.length;
    await run(wellAfter(LAST) + 900);
    expect(raisedAt).toEqual([before, before]);
  });

  test('in a block that is always refused does not delay others', async () => {
    for (let at = 0; at < 21; at += 1) await payment(at, at, { state: 'open' });
    const { run, looks } = sweeping();
    const now = wellAfter(LAST);
    await run(now);
    const { respond } = world.node;
    // The node no longer has the first twenty blocks.
    answerHosts({
      'node.test': (body) => {
        const text = JSON.stringify(body);
        const last = /"fromBlock":"0x14","toBlock":"0x14"/.test(text);
        return text.includes('eth_getLogs') && !last
          ? new Response('', { status: 429 })
          : respond(body);
      },
    });
    looks.length = 0;
    await run(now + 900);
    expect(looks).toEqual([]);
    await run(now + 1_800);
    expect(looks.flatMap(({ calls }) => calls)).toContain(nonce(20));
  });

  test('that no recheck can resolve is not rechecked', async () => {
    await payment(1, 10, {
      ...{ state: 'settled', amount: 3n, block: 10, transaction: hashOf(10, 1) },
    });
    await payment(2, 12, { state: 'settled', amount: 2n, block: 12, transaction: hashOf(9, 9) });
    const { run } = sweeping();
    await run(wellAfter(LAST));
    expect(await kinds()).toEqual(['amount', 'moved']);
    const before = world.node.windows.length;
    await run(wellAfter(LAST) + 10);
    // The run reads the five new blocks and no old block.
    expect(world.node.windows.slice(before).every(([from]) => from > 12)).toBe(true);
  });

  test('by dust is stored a hundred times, and counted', async () => {
    for (let at = 0; at < 130; at += 1) {
      world.node.mine(20, hashOf(20, at), [transfer(OTHER, PAY_TO, 1n)]);
    }
    await payment(1, 20, { state: 'open' });
    const { run } = sweeping();
    await run(wellAfter(LAST));
    expect(await differences()).toHaveLength(101);
    expect(await runs()).toMatchObject([{ differences: 131 }]);
  });

  test('does not exist if the money went to the receiver of that time', async () => {
    const transaction = hashOf(20, 1);
    world.node.mine(20, transaction, paid(ALICE, nonce(1), 2n, OTHER));
    await enter(
      ALICE,
      nonce(1),
      timeOf(19),
      { state: 'settled', amount: 2n, block: 20, transaction },
      OTHER,
    );
    await sweeping().run(wellAfter(LAST));
    expect(await differences()).toEqual([]);
    expect(await runs()).toMatchObject([{ chain_amount: '2', ledger_amount: '2' }]);
  });

  test('stays as it was for a payment that the node does not answer about', async () => {
    const lost = { state: 'settled', amount: 2n, block: 20, transaction: hashOf(20, 1) } as const;
    await enter(ALICE, nonce(1), timeOf(19), lost);
    const { run } = sweeping();
    await run(wellAfter(LAST));
    expect(await kinds()).toEqual(['missing']);
    const respond = world.node.respond;
    answerHosts({
      'node.test': (body) =>
        JSON.stringify(body).includes('eth_call')
          ? new Response('bad gateway', { status: 502 })
          : respond(body),
    });
    await enter(ALICE, nonce(2), timeOf(19), { ...lost, transaction: hashOf(20, 2) });
    await run(wellAfter(LAST) + 900);
    expect(await differences(false)).toMatchObject([{ call: nonce(1), resolved_at: null }]);
  });
});
