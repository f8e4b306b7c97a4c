import { runDurableObjectAlarm } from 'cloudflare:test';
import { CALL, loadCall } from '../../../../durable-objects/account/call/stored-call.ts';
import { openLastLooks } from '../../../../durable-objects/account/call/last-looks.ts';
import { MAX_RELEASED } from '../../../../durable-objects/account/call/account-rates.ts';
import { put } from '../../../../durable-objects/store/noun.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import {
  callOf,
  failure,
  intentCallOf,
  onDisk,
  randomHex,
  snapshotOf,
  stubOf,
  topUp,
  trust,
} from '../../support.ts';
import { denialOf, freeze, pass, putToSleep, restore, ruleOf } from '../../tree-support.ts';
import { afterEach, describe, expect, test } from 'vitest';

afterEach(restore);

describe('released payments of many failed calls', () => {
  /** An account that has stored this many failed calls whose payments could still settle. */
  const filled = async (count: number) => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 100_000_000n);
    const call = callOf(payer);
    const attempt = randomHex(16);
    expect(ruleOf(await stubOf(payer).reserve(call, attempt, {}))).toBe('go');
    await stubOf(payer).finish(call.id, attempt, failure);
    await onDisk(payer, (disk) => {
      const failed = loadCall(disk, call.id);
      if (failed === undefined) throw new Error('no call');
      const idOf = (at: number): Hex => `0x${at.toString(16).padStart(64, '0')}`;
      disk.write(
        Array.from({ length: count - 1 }, (_, at) => put(CALL, { ...failed, id: idOf(at + 1) })),
      );
    });
    await putToSleep(payer);
    expect((await snapshotOf(payer)).open).toBe(count);
    return { payer, call };
  };

  const next = (payer: Hex) => stubOf(payer).reserve(callOf(payer), randomHex(16), {});

  test('slow calls that may fail for free to one a second beyond their maximum', async () => {
    const { payer } = await filled(MAX_RELEASED);
    freeze();
    expect(ruleOf(await next(payer))).toBe('go');
    const denial = denialOf(await next(payer));
    expect(denial).toMatchObject({
      rule: 'failure_rate',
      retryAllowed: true,
      retryAfter: 1,
      limit: { rule: 'failure_rate', limit: '1', remaining: '0', window: 1 },
    });
    // A call from credit adds no released payment, so the account admits it.
    await topUp(payer, 10_000n);
    for (let i = 0; i < 3; i += 1) {
      expect(ruleOf(await stubOf(payer).reserve(intentCallOf(payer), randomHex(16), {}))).toBe(
        'go',
      );
    }
  });

  test('slow no calls below their maximum', async () => {
    const { payer } = await filled(MAX_RELEASED - 5);
    freeze();
    for (let i = 0; i < 5; i += 1) expect(ruleOf(await next(payer))).toBe('go');
    // Running calls may fail too, so they count.
    expect(ruleOf(await next(payer))).toBe('go');
    expect(ruleOf(await next(payer))).toBe('failure_rate');
  });

  test('get their last look in batches when their authorizations end, each until the result arrives', async () => {
    const { payer, call } = await filled(450);
    pass(call.validBefore - nowSeconds() + 31);
    for (let i = 0; i < 3; i += 1) {
      await runDurableObjectAlarm(stubOf(payer));
      pass(1);
    }
    const outcomes = Array.from({ length: 449 }, (_, at) => ({
      call: `0x${(at + 1).toString(16).padStart(64, '0')}` as Hex,
      outcome: 'released' as const,
    }));
    await stubOf(payer).settled([...outcomes, { call: call.id, outcome: 'released' }]);
    expect((await snapshotOf(payer)).open).toBe(0);
  });
});

describe('the queue of last looks', () => {
  const id = (at: number): Hex => `0x${at.toString(16).padStart(64, '0')}`;

  test('returns each look when it is due, then again with growing pauses until it is removed', () => {
    const looks = openLastLooks([[id(1), 100]]);
    looks.add(id(2), 200);
    looks.add(id(2), 900);
    expect([looks.size(), looks.dueAt()]).toEqual([2, 130]);
    expect(looks.take(129)).toEqual([]);
    expect(looks.take(130)).toEqual([id(1)]);
    expect(looks.take(130)).toEqual([]);
    expect(looks.dueAt()).toBe(145);
    expect(looks.take(145)).toEqual([id(1)]);
    expect(looks.dueAt()).toBe(175);
    looks.remove(id(1));
    expect(looks.dueAt()).toBe(230);
    looks.hasten(id(2));
    expect(looks.take(150)).toEqual([id(2)]);
    looks.remove(id(2));
    expect([looks.size(), looks.dueAt()]).toEqual([0, undefined]);
  });

  test('returns at most 200 looks at a time', () => {
    const looks = openLastLooks(Array.from({ length: 450 }, (_, at) => [id(at), 0] as const));
    expect([30, 31, 32, 33].map((now) => looks.take(now).length)).toEqual([200, 200, 50, 0]);
  });
});
