import { afterEach, describe, expect, test } from 'vitest';
import { signaturesOf } from '../../../support/verify-log.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { USD } from '../../../../src/protocol/fiat-asset.ts';
import type { Outcome } from '../../../../src/protocol/account/call.ts';
import {
  asset,
  entriesOf,
  factsOf,
  intentCallOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
} from '../../support.ts';
import { restore, setPolicy } from '../../tree-support.ts';

afterEach(restore);

const DOLLAR = 1_000_000n;
const silence: Outcome = { success: false, status: 0, digest: 'none', reason: 'dropped' };

/** Makes a card call of $10.00, and finishes it with `outcome`. Without an outcome, the call is still running. */
const bought = async (outcome?: Outcome): Promise<{ readonly payer: Hex; readonly call: Hex }> => {
  const payer = randomHex(20);
  await setPolicy(payer, { assets: [asset, USD], windows: [{ every: 'month', limit: '$10.00' }] });
  const call = intentCallOf(payer, {
    ...{ settlement: 'card', onSilence: 'keep', asset: USD, price: 10n * DOLLAR },
  });
  const attempt = randomHex(16);
  const { verdict } = await stubOf(payer).reserve(call, attempt, { facts: factsOf(0n) });
  expect(verdict).toBe('go');
  if (outcome !== undefined) await stubOf(payer).finish(call.id, attempt, outcome);
  return { payer, call: call.id };
};

const conclude = (payer: Hex, call: Hex, charged: bigint) =>
  stubOf(payer).apply({ kind: 'concludeCard', call, charged, authorization: 'iauth_1' });
const usedIn = async (payer: Hex) =>
  (await snapshotOf(payer)).purses[USD]?.limits.find(({ rule }) => rule === 'window:month');

describe('the end of a card', () => {
  test('charges a silent call what the issuer charged, once', async () => {
    const { payer, call } = await bought(silence);
    expect(await usedIn(payer)).toMatchObject({ held: String(10n * DOLLAR) });
    expect(await conclude(payer, call, 4n * DOLLAR)).toMatchObject({
      verdict: 'applied',
      changed: true,
    });
    expect(await conclude(payer, call, 4n * DOLLAR)).toMatchObject({
      verdict: 'applied',
      changed: false,
    });
    expect(await usedIn(payer)).toMatchObject({ spent: String(4n * DOLLAR), held: '0' });
    expect((await entriesOf(payer)).at(-1)).toMatchObject({
      ...{ type: 'call.resolved', rule: 'card', decision: 'charged' },
      amounts: { charged: String(4n * DOLLAR), before: '0' },
      outcome: { reason: 'card_charged', authorization: 'iauth_1' },
    });
  });

  test('releases a silent call whose card was cancelled', async () => {
    const { payer, call } = await bought(silence);
    expect(await conclude(payer, call, 0n)).toMatchObject({ verdict: 'applied', changed: true });
    expect(await usedIn(payer)).toMatchObject({ spent: '0', held: '0' });
    expect((await entriesOf(payer)).at(-1)).toMatchObject({ decision: 'released' });
  });

  test('charges at most the held amount', async () => {
    const { payer, call } = await bought(silence);
    await conclude(payer, call, 11n * DOLLAR);
    expect(await usedIn(payer)).toMatchObject({ spent: String(10n * DOLLAR) });
  });

  test('waits for a call that runs', async () => {
    const { payer, call } = await bought();
    expect(await conclude(payer, call, DOLLAR)).toEqual({ verdict: 'unavailable' });
  });

  test('changes no call that has ended, and reports a charge that nobody pays', async () => {
    const paid = await bought(success);
    const before = (await entriesOf(paid.payer)).length;
    expect(await conclude(paid.payer, paid.call, 10n * DOLLAR)).toMatchObject({ changed: false });
    const failed = await bought({
      success: false,
      status: 422,
      digest: 'none',
      reason: 'upstream_status',
    });
    expect(await conclude(failed.payer, failed.call, 0n)).toMatchObject({ changed: false });
    expect(await conclude(failed.payer, failed.call, DOLLAR)).toMatchObject({
      ...{ verdict: 'refused', fault: { reason: 'not_writable' } },
    });
    expect((await entriesOf(paid.payer)).length).toBe(before);
    expect(await conclude(paid.payer, randomHex(32), DOLLAR)).toMatchObject({ changed: false });
  });

  test('is an entry that needs no signature of a person', async () => {
    const { payer, call } = await bought(silence);
    await conclude(payer, call, DOLLAR);
    const entry = (await entriesOf(payer)).at(-1);
    if (entry === undefined) throw new Error('no entry');
    expect(await signaturesOf([entry])).toMatchObject({ verdict: 'proved' });
    const { rule: _, ...unnamed } = entry;
    expect(await signaturesOf([unnamed])).toMatchObject({ verdict: 'BROKEN' });
  });
});
