import { expect, test } from 'vitest';
import { ENTRY } from '../../../../durable-objects/store/entry.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import {
  callOf,
  factsOf,
  onDisk,
  randomHex,
  storedAccountOf,
  stubOf,
  trust,
} from '../../support.ts';

const evidence = { facts: factsOf(1_000_000n) };

test('an account that is behind its log continues it, and starts no call until the proofs that it forgot have expired', async () => {
  const payer = randomHex(20);
  await trust(payer, 10_000n, 1_000_000n);
  const { head: before } = await storedAccountOf(payer);
  const known = callOf(payer);
  await stubOf(payer).reserve(known, randomHex(16), evidence);
  const { head: now } = await storedAccountOf(payer);
  const head = { seq: now.seq + 7, hash: randomHex(32) };
  const until = nowSeconds() + 60;
  const command = { kind: 'recover', head, until } as const;
  expect(await stubOf(payer).apply(command)).toMatchObject({ verdict: 'applied', changed: true });
  const entries = await onDisk(payer, (disk) => [...disk.find(ENTRY)]);
  const entry = entries.at(-1);
  expect(entry).toMatchObject({
    ...{ seq: head.seq + 1, prev: head.hash, type: 'alert.raised', rule: 'account_behind' },
    outcome: { from: now.seq + 1, to: head.seq, until },
  });
  expect(before.seq).toBeLessThan(now.seq);

  expect(await stubOf(payer).reserve(callOf(payer), randomHex(16), evidence)).toEqual({
    verdict: 'unavailable',
  });
  // A repeat of a call that it still knows is no new call.
  expect(await stubOf(payer).reserve(known, randomHex(16), evidence)).not.toEqual({
    verdict: 'unavailable',
  });
  expect(await stubOf(payer).apply(command)).toMatchObject({ verdict: 'applied', changed: false });
});

test('an account whose object is lost starts calls again when the proofs that it forgot have expired', async () => {
  const payer = randomHex(20);
  const head = { seq: 40, hash: randomHex(32) };
  const until = nowSeconds() - 1;
  await stubOf(payer).apply({ kind: 'recover', head, until });
  expect(await storedAccountOf(payer)).toMatchObject({ head: { seq: 41 }, exported: 40 });
  const { verdict } = await stubOf(payer).reserve(callOf(payer), randomHex(16), evidence);
  // A payer without a settled payment settles first (law 7).
  expect(verdict).toBe('settle');
});
