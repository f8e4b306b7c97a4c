import { runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { readSettlementMessage } from '../../../../src/settlement/message.ts';
import type { SettlementOutcome } from '../../../../src/protocol/payment.ts';
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

/** What an account sends to the settlement queue from now on; none of it arrives. */
const messagesOf = async (payer: Hex): Promise<unknown[]> => {
  const sent: unknown[] = [];
  await runInDurableObject(stubOf(payer), (object: AgentAccount) => {
    const { SETTLEMENT_QUEUE: queue } = Reflect.get(object, 'env') as Env;
    vi.spyOn(queue, 'sendBatch').mockImplementation((messages) => {
      for (const { body } of messages) sent.push(body);
      return Promise.resolve({} as QueueSendBatchResponse);
    });
  });
  return sent;
};

/** A payer with a call that has ended so, and then heard this of its payment. */
const withCall = async (outcome: typeof success, ...told: SettlementOutcome[]) => {
  const payer = randomHex(20);
  await trust(payer, 1_000_000n, 10_000_000n);
  const call = callOf(payer, { price: 5_000n });
  const attempt = randomHex(16);
  await stubOf(payer).reserve(call, attempt, { facts: factsOf(10_000_000n, 11) });
  await stubOf(payer).finish(call.call, attempt, outcome);
  for (const each of told) await stubOf(payer).settled([{ call: call.call, ...each }]);
  return { payer, call: call.call, sent: await messagesOf(payer) };
};

const moved = { outcome: 'settled', transaction: randomHex(32), block: 12 } as const;
const failedBy = (fault: 'payer' | 'gateway'): SettlementOutcome => ({
  ...{ outcome: 'failed' as const, fault },
  reason: fault === 'payer' ? 'unfunded' : 'not_presented',
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('an account that is told to look again', () => {
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
    // Only what may still be presented carries its signature.
    expect((sent[0] as { signature?: Hex }).signature !== undefined).toBe(kind === 'settle');
    expect((await snapshotOf(payer)).seq).toBe(before);
  });

  test('asks for none that is settled, or running, or not there', async () => {
    const { payer, call, sent } = await withCall(success, moved);
    const running = callOf(payer, { price: 500n });
    await stubOf(payer).reserve(running, randomHex(16), { facts: factsOf(10_000_000n, 13) });
    expect(await stubOf(payer).recheck([call, running.call, randomHex(32)])).toEqual({
      ...{ verdict: 'rechecking', calls: [] },
    });
    expect(sent).toEqual([]);
  });

  test('of which nothing is known makes no table', async () => {
    const stranger = randomHex(20);
    expect(await stubOf(stranger).recheck([randomHex(32)])).toEqual({
      verdict: 'rechecking',
      calls: [],
    });
    expect(await tablesOf(stranger)).toEqual([]);
  });

  test('sends fifty at most', async () => {
    const { payer, call, sent } = await withCall(failure);
    await stubOf(payer).recheck([...Array.from({ length: 50 }, () => randomHex(32)), call]);
    expect(sent).toEqual([]);
  });
});

describe('what the chain says afterwards', () => {
  const after = async (made: Awaited<ReturnType<typeof withCall>>) => {
    const { payer, call } = made;
    const purse = await purseOf(payer);
    // Twice: a queue delivers so.
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

  test('is credit where the payment was released, also after the look that found it unused', async () => {
    expect(await after(await withCall(failure, { outcome: 'released' }))).toEqual({
      ...{ credit: 5_000n, settled: 5_000n, unsettled: '0' },
      payment: { transaction, block, credited: '5000' },
    });
  });

  test('is the end of a debt where its payer was said to owe it', async () => {
    const made = await withCall(success, failedBy('payer'));
    expect((await purseOf(made.payer)).credit).toBe('-5000');
    expect(await after(made)).toEqual({
      ...{ credit: 5_000n, settled: 5_000n, unsettled: '0' },
      payment: { transaction, block, cleared: '5000' },
    });
  });

  test('is no credit where we had given it up', async () => {
    expect(await after(await withCall(success, failedBy('gateway')))).toEqual({
      ...{ credit: 0n, settled: 5_000n, unsettled: '0', payment: { transaction, block } },
    });
  });

  test('is credit where the tool was never run', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const call = callOf(payer, { price: 5_000n, settlement: 'upfront' });
    await stubOf(payer).reserve(call, randomHex(16), { facts: factsOf(10_000_000n, 11) });
    const cancelled = { outcome: 'failed', fault: 'payer', reason: 'cancelled' } as const;
    await stubOf(payer).settled([{ call: call.call, ...cancelled }]);
    expect(await after({ payer, call: call.call, sent: [] })).toEqual({
      ...{ credit: 5_000n, settled: 5_000n, unsettled: '0' },
      payment: { transaction, block, credited: '5000' },
    });
  });

  test('changes nothing where it has not moved', async () => {
    const { payer, call } = await withCall(failure, { outcome: 'released' });
    const before = await snapshotOf(payer);
    await stubOf(payer).settled([{ call, outcome: 'released' }]);
    await stubOf(payer).settled([{ call, ...failedBy('payer') }]);
    expect((await snapshotOf(payer)).seq).toBe(before.seq);
    expect(await purseOf(payer)).toMatchObject({ credit: '0' });
  });
});
