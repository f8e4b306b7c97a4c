import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds, type Seconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import {
  callOf,
  callsOf,
  failure,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  trust,
} from '../../support.ts';
import { pass, putToSleep, restore } from '../../tree-support.ts';
import { collectSettlements } from '../../sent-messages.ts';

afterEach(restore);

/** Seconds after an authorization's end at which the account has its payment observed for the last time. */
const LOOK: Seconds = 31;
/** Seconds after the end of an authorization when the account may prune its call. */
const FORGOTTEN: Seconds = 601;

/** A payment released because its tool failed, and the seconds until its authorization ends. */
const released = async () => {
  const payer = randomHex(20);
  await trust(payer, 1_000_000n, 100_000_000n);
  const sent = await collectSettlements(payer);
  const call = callOf(payer);
  const attempt = randomHex(16);
  await stubOf(payer).reserve(call, attempt, {});
  await stubOf(payer).finish(call.id, attempt, failure);
  return { payer, sent, id: call.id, endsIn: call.validBefore - nowSeconds() };
};

const ring = (payer: Hex) => runDurableObjectAlarm(stubOf(payer));

/** Confirms the export of all entries, so that no pending export delays the pruning of a call. */
const exportAll = async (payer: Hex): Promise<void> => {
  await stubOf(payer).exported((await snapshotOf(payer)).seq);
};

const kept = async (payer: Hex): Promise<readonly string[]> =>
  (await callsOf(payer)).map(({ id }) => id);

const moved = (call: Hex) =>
  ({ call, outcome: 'settled', transaction: randomHex(32), block: 12 }) as const;

describe('a released payment', () => {
  test('gets a look without its signature after its authorization has ended, and not before', async () => {
    const { payer, sent, id, endsIn } = await released();
    pass(endsIn - 5);
    await ring(payer);
    expect(sent).toEqual([]);
    pass(5 + LOOK);
    await ring(payer);
    expect(sent).toMatchObject([{ kind: 'look', call: id }]);
    expect(sent[0]).not.toHaveProperty('signature');
  });

  test('is kept and looked at until a node answers, also after its export and an eviction', async () => {
    const { payer, sent, id, endsIn } = await released();
    await exportAll(payer);
    pass(endsIn + LOOK);
    await ring(payer);
    // For an hour, the account sends a message at least every five minutes.
    for (let minutes = 0; minutes < 60; minutes += 5) {
      const before = sent.length;
      pass(300);
      await ring(payer);
      await exportAll(payer);
      if (minutes % 20 === 0) await putToSleep(payer);
      expect(sent.length).toBeGreaterThan(before);
      expect(await kept(payer)).toContain(id);
    }
    expect(new Set(sent.map(({ kind, call }) => `${kind} ${call}`))).toEqual(
      new Set([`look ${id}`]),
    );
    // Then a node is reachable and shows that the payment has settled.
    await stubOf(payer).settled([moved(id)]);
    expect((await purseOf(payer)).credit).toBe('1000');
    await exportAll(payer);
    const before = sent.length;
    pass(300);
    await ring(payer);
    expect(sent).toHaveLength(before);
    expect(await kept(payer)).not.toContain(id);
    // A redelivered message credits nothing.
    await stubOf(payer).settled([moved(id)]);
    expect((await purseOf(payer)).credit).toBe('1000');
  });

  test('is pruned only after its last look, whatever the queue redelivers before', async () => {
    const { payer, sent, id, endsIn } = await released();
    pass(endsIn + FORGOTTEN);
    await stubOf(payer).settled([{ call: id, outcome: 'sent', backend: 'late' }]);
    await exportAll(payer);
    await ring(payer);
    expect(await kept(payer)).toContain(id);
    expect(sent).not.toEqual([]);
    await stubOf(payer).settled([{ call: id, outcome: 'released' }]);
    await stubOf(payer).settled([{ call: id, outcome: 'released' }]);
    await exportAll(payer);
    pass(1);
    await ring(payer);
    expect(await kept(payer)).not.toContain(id);
    expect((await purseOf(payer)).credit).toBe('0');
  });

  test('is sent again when the queue fails or loses the message', async () => {
    const { payer, sent, id, endsIn } = await released();
    await runInDurableObject(stubOf(payer), (object: AgentAccount) => {
      const { SETTLEMENT_QUEUE: queue } = Reflect.get(object, 'env') as Env;
      vi.spyOn(queue, 'sendBatch').mockRejectedValueOnce(new Error('the queue is down'));
    });
    pass(endsIn + LOOK);
    await ring(payer);
    expect(sent).toEqual([]);
    pass(16);
    await ring(payer);
    pass(31);
    await ring(payer);
    expect(sent.map(({ call }) => call)).toEqual([id, id]);
  });
});
