import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Call, Outcome } from '../../../../src/protocol/account/call.ts';
import type { CommandVerdict } from '../../../../src/protocol/account/command-verdict.ts';
import type { CommandIntent, CommandSigner } from '../../../../src/protocol/account/command.ts';
import {
  accountOf,
  callOf,
  entriesOf,
  factsOf,
  intentCallOf,
  purseOf,
  randomHex,
  settleFirst,
  snapshotOf,
  stubOf,
  success,
  topUp,
  trust,
} from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  limitOf,
  ownerWith,
  pass,
  restore,
  ruleOf,
  setPolicy,
} from '../../tree-support.ts';

afterEach(restore);

const silence: Outcome = { success: false, status: 0, digest: 'none', reason: 'timeout' };
const operator: CommandSigner = { account: accountOf(`0x${'0e'.repeat(20)}`), role: 'operator' };

const intentOf = (changes: Partial<CommandIntent> = {}): CommandIntent => ({
  fields: { tool: 'countersign.admin.settlements.resolve' },
  signature: `0x${'77'.repeat(65)}`,
  digest: randomHex(32),
  attempt: randomHex(16),
  validBefore: nowSeconds() + 300,
  ...changes,
});

const resolve = (
  payer: Hex,
  call: Hex,
  charge: boolean,
  intent = intentOf(),
  by = operator,
): Promise<CommandVerdict> =>
  stubOf(payer).apply({ kind: 'resolve', call, charge, reason: 'asked the bank', by, intent });

const changed = { verdict: 'applied', changed: true };
const unwritable = (hint: string) => ({
  verdict: 'refused',
  fault: { reason: 'not_writable', hint: expect.stringContaining(hint) as string },
});
const lastEntry = async (payer: Hex) => (await entriesOf(payer)).at(-1);

type Silent = { readonly payer: Hex; readonly call: Hex; readonly attempt: Hex };

/**
 * An account with 5,000 credit and a call of 1,000 from it whose upstream did not answer. With `isAsleep` the gateway sent no `finish`
 * either.
 */
const silentCredit = async (isAsleep = false): Promise<Silent> => {
  const payer = randomHex(20);
  await topUp(payer, 5_000n);
  return silent(payer, intentCallOf(payer, { settlement: 'credit', onSilence: 'keep' }), isAsleep);
};

/** An account without credit and an upfront call of 1,000 whose upstream did not answer. */
const silentUpfront = async (isAsleep = false): Promise<Silent> => {
  const payer = randomHex(20);
  return silent(payer, callOf(payer, { settlement: 'upfront', onSilence: 'keep' }), isAsleep);
};

const silent = async (payer: Hex, call: Call, isAsleep: boolean): Promise<Silent> => {
  const attempt = randomHex(16);
  if (call.payment === undefined) await stubOf(payer).reserve(call, attempt, {});
  else await settleFirst(payer, call, attempt);
  const made = { payer, call: call.id, attempt };
  if (isAsleep) {
    pass(75);
    await runDurableObjectAlarm(stubOf(payer));
  } else await stubOf(payer).finish(call.id, attempt, silence);
  return made;
};

const KINDS = [
  ['credit', silentCredit, { credit: '5000', creditHeld: '1000' }],
  ['money that has moved', silentUpfront, { credit: '0', creditHeld: '0' }],
] as const;

describe.each(KINDS)('a hold on %s after a silent tool', (name, make, before) => {
  const isCredit = name === 'credit';

  test.each([false, true])(
    'is charged when the operator resolves it so (gateway gone: %s)',
    async (isAsleep) => {
      const { payer, call } = await make(isAsleep);
      expect(await lastEntry(payer)).toMatchObject({
        type: isAsleep ? 'call.abandoned' : 'call.finished',
        decision: 'abandoned',
        amounts: { charged: isCredit ? '0' : '1000' },
        payment: { kept: true },
      });
      expect(await purseOf(payer)).toMatchObject(before);
      const intent = intentOf();
      expect(await resolve(payer, call, true, intent)).toMatchObject(changed);
      expect(await purseOf(payer)).toMatchObject({
        credit: isCredit ? '4000' : '0',
        creditHeld: '0',
      });
      expect(await lastEntry(payer)).toMatchObject({
        type: 'call.resolved',
        call,
        decision: 'charged',
        amounts: { charged: '1000', before: isCredit ? '0' : '1000' },
        outcome: { reason: 'asked the bank' },
        payment: { state: isCredit ? 'none' : 'settled', paidBy: isCredit ? 'credit' : 'upfront' },
        evidence: { order: intent.fields, signature: intent.signature, by: operator.account },
      });
    },
  );

  test.each([false, true])(
    'is returned when the operator resolves it so (gateway gone: %s)',
    async (isAsleep) => {
      const { payer, call } = await make(isAsleep);
      expect(await resolve(payer, call, false)).toMatchObject(changed);
      expect(await purseOf(payer)).toMatchObject({
        credit: isCredit ? '5000' : '1000',
        creditHeld: '0',
      });
      expect(await lastEntry(payer)).toMatchObject({
        type: 'call.resolved',
        decision: 'released',
        amounts: { charged: '0', before: isCredit ? '0' : '1000' },
      });
      // The agent may spend the amount again.
      const price = isCredit ? 5_000n : 1_000n;
      expect(ruleOf(await callOnce(payer, price))).toBe('go');
    },
  );

  test.each([true, false])(
    'is resolved once, whatever a later command orders (charge %s)',
    async (charge) => {
      const { payer, call } = await make();
      const intent = intentOf();
      expect(await resolve(payer, call, charge, intent)).toMatchObject(changed);
      const after = await purseOf(payer);
      const { seq } = await snapshotOf(payer);
      for (const next of [charge, !charge]) {
        expect(await resolve(payer, call, next)).toMatchObject(
          unwritable(charge ? 'resolved: charged' : 'resolved: released'),
        );
      }
      // A retry by the runtime gets the same answer. A second request with the same intent is rejected.
      expect(await resolve(payer, call, charge, intent)).toMatchObject(changed);
      expect(await resolve(payer, call, charge, { ...intent, attempt: randomHex(16) })).toEqual({
        verdict: 'refused',
        fault: { reason: 'already_used' },
      });
      expect(await purseOf(payer)).toEqual(after);
      expect((await snapshotOf(payer)).seq).toBe(seq);
    },
  );

  test('waits for the operator’s command without end, also after an eviction', async () => {
    const { payer, call } = await make();
    pass(30 * 86_400);
    await runDurableObjectAlarm(stubOf(payer));
    await stubOf(payer).exported((await snapshotOf(payer)).seq);
    await runDurableObjectAlarm(stubOf(payer));
    await evictDurableObject(stubOf(payer));
    expect(await purseOf(payer)).toMatchObject(before);
    expect(await resolve(payer, call, false)).toMatchObject(changed);
    expect(await purseOf(payer)).toMatchObject({ credit: isCredit ? '5000' : '1000' });
    // The call is complete, so the account prunes its row once D1 has its entries.
    await stubOf(payer).exported((await snapshotOf(payer)).seq);
    pass(60);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await resolve(payer, call, false)).toEqual({
      verdict: 'refused',
      fault: { reason: 'unknown_call' },
    });
  });

  test.each([true, false])('is not changed by a late finish (charge %s)', async (charge) => {
    const early = await make(true);
    expect(await stubOf(early.payer).finish(early.call, early.attempt, success)).toMatchObject({
      verdict: 'late',
      kept: true,
    });
    expect(await purseOf(early.payer)).toMatchObject(before);
    expect(await resolve(early.payer, early.call, charge)).toMatchObject(changed);
    const after = await purseOf(early.payer);

    const other = await make(true);
    expect(await resolve(other.payer, other.call, charge)).toMatchObject(changed);
    const late = await stubOf(other.payer).finish(other.call, other.attempt, success);
    expect(late).toMatchObject({
      verdict: 'late',
      kept: false,
      charged: charge ? 1_000n : 0n,
    });
    expect(await lastEntry(other.payer)).toMatchObject({
      type: 'call.late',
      amounts: { charged: '0' },
    });
    const { credit, creditHeld } = await purseOf(other.payer);
    expect({ credit, creditHeld }).toEqual({
      credit: after.credit,
      creditHeld: after.creditHeld,
    });
    expect(await resolve(other.payer, other.call, !charge)).toMatchObject(unwritable('resolved'));
  });
});

describe('limits of a silent call', () => {
  test.each([
    [true, '1000'],
    [false, '0'],
  ])('count its hold until an operator resolves it (charge %s)', async (charge, spent) => {
    const payer = await ownerWith(9_000n, { windows: [{ every: 'month', limit: '3000u' }] });
    const kept = await silent(
      payer,
      intentCallOf(payer, { settlement: 'credit', onSilence: 'keep', price: 1_000n }),
      false,
    );
    expect(await limitOf(payer, 'window:month')).toMatchObject({ spent: '0', held: '1000' });
    expect(await resolve(payer, kept.call, charge)).toMatchObject(changed);
    expect(await limitOf(payer, 'window:month')).toMatchObject({ spent, held: '0' });

    const other = randomHex(20);
    await setPolicy(other, { windows: [{ every: 'month', limit: '3000u' }] });
    const moved = await silent(
      other,
      callOf(other, { settlement: 'upfront', onSilence: 'keep' }),
      false,
    );
    expect(await limitOf(other, 'window:month')).toMatchObject({ spent: '0', held: '1000' });
    expect(await resolve(other, moved.call, charge)).toMatchObject(changed);
    expect(await limitOf(other, 'window:month')).toMatchObject({ spent, held: '0' });
  });

  test.each([true, false])('count lent credit at the ancestors too (charge %s)', async (charge) => {
    const { agent } = await branchWith(5_000n, { lifetime: '5000u' });
    const call = intentCallOf(agent, {
      ...{ settlement: 'credit', onSilence: 'keep', price: 2_000n, audience: AUDIENCE },
    });
    const attempt = randomHex(16);
    let verdict = await stubOf(agent).reserve(call, attempt, {});
    if (verdict.verdict === 'stale_payer') {
      verdict = await stubOf(agent).reserve(call, attempt, { facts: factsOf(0n) });
    }
    expect(verdict.verdict).toBe('go');
    await stubOf(agent).finish(call.id, attempt, silence);
    expect(ruleOf(await callOnce(agent, 3_001n))).not.toBe('go');
    expect(await resolve(agent, call.id, charge)).toMatchObject(changed);
    // The account returned either the whole hold or none of it.
    expect(ruleOf(await callOnce(agent, charge ? 3_001n : 5_000n))).toBe(
      charge ? 'lifetime' : 'go',
    );
    expect(ruleOf(await callOnce(agent, charge ? 3_000n : 1n))).toBe(charge ? 'go' : 'lifetime');
  });
});

describe('a resolution is refused', () => {
  const hints = async (made: Silent, hint: string): Promise<void> => {
    const before = await snapshotOf(made.payer);
    for (const charge of [true, false]) {
      expect(await resolve(made.payer, made.call, charge)).toMatchObject(unwritable(hint));
    }
    const { purses, seq } = await snapshotOf(made.payer);
    expect({ purses, seq }).toEqual({ purses: before.purses, seq: before.seq });
  };

  test('for a running call, before and after its payment settled', async () => {
    const payer = randomHex(20);
    const call = callOf(payer, { settlement: 'upfront', onSilence: 'keep' });
    const attempt = randomHex(16);
    const made = { payer, call: call.id, attempt };
    await stubOf(payer).reserve(call, attempt, { facts: factsOf(5_000n) });
    await hints(made, 'running');
    const settlement = { outcome: 'settled', transaction: randomHex(32), block: 11 } as const;
    await stubOf(payer).reserve(call, attempt, { settlement });
    await hints(made, 'running');
  });

  test('for an answered call, and for a tool that releases on silence', async () => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    for (const [onSilence, outcome, state] of [
      ['keep', success, 'committed'],
      ['keep', { ...silence, status: 500, reason: 'upstream_status' }, 'released'],
      ['release', silence, 'released'],
    ] as const) {
      const call = intentCallOf(payer, { settlement: 'credit', onSilence });
      const attempt = randomHex(16);
      await stubOf(payer).reserve(call, attempt, {});
      await stubOf(payer).finish(call.id, attempt, outcome);
      await hints({ payer, call: call.id, attempt }, state);
    }
    const call = intentCallOf(payer, { settlement: 'credit' });
    await hints(await silent(payer, call, true), 'abandoned');
  });

  test('for a deferred payment, whose authorization would expire meanwhile', async () => {
    const payer = randomHex(20);
    await trust(payer, 10_000n, 100_000n);
    const deferred = callOf(payer);
    const attempt = randomHex(16);
    await stubOf(payer).reserve(deferred, attempt, { facts: factsOf(100_000n, 11) });
    await stubOf(payer).finish(deferred.id, attempt, silence);
    await hints({ payer, call: deferred.id, attempt }, 'released');
  });

  test('for an unknown call, and from a signer other than an operator', async () => {
    const { payer, call } = await silentCredit();
    expect(await resolve(payer, randomHex(32), true)).toEqual({
      verdict: 'refused',
      fault: { reason: 'unknown_call' },
    });
    const self: CommandSigner = { account: accountOf(payer), role: 'owner' };
    expect(await resolve(payer, call, false, intentOf(), self)).toEqual({
      verdict: 'refused',
      fault: { reason: 'forbidden' },
    });
    expect(await purseOf(payer)).toMatchObject({ creditHeld: '1000' });
    // A refused command creates no account for a stranger (law 12).
    const nobody = randomHex(20);
    expect(await resolve(nobody, call, true)).toMatchObject({ verdict: 'refused' });
    expect((await snapshotOf(nobody)).seq).toBe(0);
  });
});
