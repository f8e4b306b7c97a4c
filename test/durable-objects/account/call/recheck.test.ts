import { afterEach, describe, expect, test, vi } from 'vitest';
import { readSettlementMessage } from '../../../../src/settlement/read-message.ts';
import type { SettlementOutcome } from '../../../../src/protocol/payment.ts';
import { collectSettlements } from '../../sent-messages.ts';
import {
  callOf,
  entriesOf,
  factsOf,
  failure,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  tablesOf,
  trust,
} from '../../support.ts';

/** A payer with a call that ended with `outcome` and then received these settlement results. */
const withCall = async (outcome: typeof success, ...results: SettlementOutcome[]) => {
  const payer = randomHex(20);
  await trust(payer, 1_000_000n, 10_000_000n);
  const call = callOf(payer, { price: 5_000n });
  const attempt = randomHex(16);
  await stubOf(payer).reserve(call, attempt, { facts: factsOf(10_000_000n, 11) });
  await stubOf(payer).finish(call.id, attempt, outcome);
  for (const each of results) await stubOf(payer).settled([{ call: call.id, ...each }]);
  return { payer, call: call.id, sent: await collectSettlements(payer) };
};

const moved = { outcome: 'settled', transaction: randomHex(32), block: 12 } as const;
const failedBy = (fault: 'payer' | 'gateway'): SettlementOutcome => ({
  ...{ outcome: 'failed' as const, fault },
  reason: fault === 'payer' ? 'unfunded' : 'not_presented',
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a recheck', () => {
  test.each([
    ['open', () => withCall(success), 'settle'],
    ['released', () => withCall(failure), 'look'],
    ['released, and looked at', () => withCall(failure, { outcome: 'released' }), 'look'],
    ['failed by its payer', () => withCall(success, failedBy('payer')), 'look'],
    ['failed by us', () => withCall(success, failedBy('gateway')), 'look'],
  ] as const)('asks for a payment that is %s', async (_, made, kind) => {
    const { payer, call, sent } = await made();
    const before = (await snapshotOf(payer)).seq;
    expect(await stubOf(payer).recheck([call])).toEqual({ verdict: 'rechecking', calls: [call] });
    expect(sent).toMatchObject([{ kind, call, sinceBlock: 11 }]);
    const read = readSettlementMessage(sent[0]);
    expect(read.ok && read.value.transfer).toMatchObject({ nonce: call, value: 5_000n });
    // Only a payment that may still be presented carries its signature.
    expect(sent[0]?.signature !== undefined).toBe(kind === 'settle');
    expect((await snapshotOf(payer)).seq).toBe(before);
  });

  test('skips calls that are settled, running or unknown', async () => {
    const { payer, call, sent } = await withCall(success, moved);
    const running = callOf(payer, { price: 500n });
    await stubOf(payer).reserve(running, randomHex(16), { facts: factsOf(10_000_000n, 13) });
    expect(await stubOf(payer).recheck([call, running.id, randomHex(32)])).toEqual({
      ...{ verdict: 'rechecking', calls: [] },
    });
    expect(sent).toEqual([]);
  });

  test('creates no table for an unknown account (law 12)', async () => {
    const stranger = randomHex(20);
    expect(await stubOf(stranger).recheck([randomHex(32)])).toEqual({
      verdict: 'rechecking',
      calls: [],
    });
    expect(await tablesOf(stranger)).toEqual([]);
  });

  test('looks at fifty calls at most', async () => {
    const { payer, call, sent } = await withCall(failure);
    await stubOf(payer).recheck([...Array.from({ length: 50 }, () => randomHex(32)), call]);
    expect(sent).toEqual([]);
  });
});

describe('a payment that settled after the account concluded it', () => {
  const after = async (made: Awaited<ReturnType<typeof withCall>>) => {
    const { payer, call } = made;
    const purse = await purseOf(payer);
    // Report it twice: the queue delivers at least once.
    for (let at = 0; at < 2; at += 1) await stubOf(payer).settled([{ call, ...moved }]);
    const settlements = (await entriesOf(payer)).filter(
      ({ type, call: of }) => type === 'payment.settled' && of === call,
    );
    expect(settlements).toHaveLength(1);
    const now = await purseOf(payer);
    return {
      credit: BigInt(now.credit) - BigInt(purse.credit),
      settled: BigInt(now.settled) - BigInt(purse.settled),
      unsettled: now.unsettled,
      payment: settlements[0]?.payment,
    };
  };
  const { transaction, block } = moved;

  test('becomes credit if it was released, also after a look that found it unused', async () => {
    expect(await after(await withCall(failure, { outcome: 'released' }))).toEqual({
      ...{ credit: 5_000n, settled: 5_000n, unsettled: '0' },
      payment: { transaction, block, credited: '5000' },
    });
  });

  test('clears the debt if the payer owed it', async () => {
    const made = await withCall(success, failedBy('payer'));
    expect((await purseOf(made.payer)).credit).toBe('-5000');
    expect(await after(made)).toEqual({
      ...{ credit: 5_000n, settled: 5_000n, unsettled: '0' },
      payment: { transaction, block, cleared: '5000' },
    });
  });

  test('becomes no credit if the gateway wrote it off', async () => {
    expect(await after(await withCall(success, failedBy('gateway')))).toEqual({
      ...{ credit: 0n, settled: 5_000n, unsettled: '0', payment: { transaction, block } },
    });
  });

  test('becomes credit if the tool never ran', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const call = callOf(payer, { price: 5_000n, settlement: 'upfront' });
    await stubOf(payer).reserve(call, randomHex(16), { facts: factsOf(10_000_000n, 11) });
    const cancelled = { outcome: 'failed', fault: 'payer', reason: 'cancelled' } as const;
    await stubOf(payer).settled([{ call: call.id, ...cancelled }]);
    expect(await after({ payer, call: call.id, sent: [] })).toEqual({
      ...{ credit: 5_000n, settled: 5_000n, unsettled: '0' },
      payment: { transaction, block, credited: '5000' },
    });
  });

  test('changes nothing if it did not settle after all', async () => {
    const { payer, call } = await withCall(failure, { outcome: 'released' });
    const before = await snapshotOf(payer);
    await stubOf(payer).settled([{ call, outcome: 'released' }]);
    await stubOf(payer).settled([{ call, ...failedBy('payer') }]);
    expect((await snapshotOf(payer)).seq).toBe(before.seq);
    expect(await purseOf(payer)).toMatchObject({ credit: '0' });
  });
});
