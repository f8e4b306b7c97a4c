import { expect, test } from 'vitest';
import type { Address } from '../../../../src/core/hex.ts';
import { keyOfPayer } from '../../../../src/settlement/relayer/key-of-payer.ts';
import { randomHex } from '../../../durable-objects/support.ts';

type Keys = readonly [Address, ...Address[]];

const addressNumber = (id: number): Address => `0x${id.toString(16).padStart(40, '0')}`;
const keys = [1, 2, 3, 4].map((id) => addressNumber(id * 0x1234567)) as unknown as Keys;
const payers = Array.from({ length: 10_000 }, () => randomHex(20));

test('gives every payment of a payer to one key, in whatever order the keys are listed', () => {
  const reversed = keys.toReversed() as unknown as Keys;
  for (const payer of payers) expect(keyOfPayer(payer, reversed)).toBe(keyOfPayer(payer, keys));
});

test.each([
  ['random payers', payers],
  ['payers that differ in one digit', Array.from({ length: 10_000 }, (_, at) => addressNumber(at))],
])('spreads %s evenly', (_, all) => {
  const shares = Map.groupBy(all, (payer) => keyOfPayer(payer, keys));
  for (const key of keys) {
    expect(shares.get(key)?.length).toBeGreaterThan(2_300);
    expect(shares.get(key)?.length).toBeLessThan(2_700);
  }
});

test('moves only the payers of a key that is added or removed', () => {
  const more = [...keys, addressNumber(0xabcdef)] as unknown as Keys;
  const moved = payers.filter((payer) => keyOfPayer(payer, more) !== keyOfPayer(payer, keys));
  expect(moved.length).toBeGreaterThan(1_800);
  expect(moved.length).toBeLessThan(2_200);
  expect(new Set(moved.map((payer) => keyOfPayer(payer, more)))).toEqual(new Set([more.at(-1)]));
});
