import { expect, test } from 'vitest';
import type { Observation } from '../../../src/settlement/chain/observation.ts';
import { expectedTransfer } from '../../../src/settlement/chain/expected-transfer.ts';
import { conclude, type Purpose } from '../../../src/settlement/conclude.ts';
import { NOW, paymentNumber } from './scripted.ts';

const look = expectedTransfer(paymentNumber(1, { validBefore: BigInt(NOW) }), 100);
const transaction = `0x${'aa'.repeat(32)}` as const;
const unused = (headTime: number, balance: bigint): Observation => ({
  kind: 'unused',
  headBlock: 101,
  headTime,
  balance,
});

const VIEWS: Record<string, Observation> = {
  settled: { kind: 'settled', transaction, block: 101 },
  unconfirmed: { kind: 'unconfirmed', transaction, block: 101 },
  'spent long before': { kind: 'spent_otherwise' },
  'spent otherwise': { kind: 'spent_otherwise', transaction },
  cancelled: { kind: 'cancelled', transaction },
  unknown: { kind: 'unknown', why: 'rpc' },
  'unused, valid': unused(NOW - 1, 0n),
  'unused, at the deadline': unused(NOW, 0n),
  'unused, past it, funded': unused(NOW + 1, 1_000n),
  'unused, past it, one unit short': unused(NOW + 1, 999n),
  'unused, ten minutes past it, empty': unused(NOW + 600, 0n),
  'unused, observed too late to prove a fault, empty': unused(NOW + 601, 0n),
};

test.each<[string, Record<Purpose, string | undefined>]>([
  ['settled', { settle: 'settled', look: 'settled', upfront: 'settled' }],
  ['unconfirmed', { settle: undefined, look: undefined, upfront: undefined }],
  ['unknown', { settle: undefined, look: undefined, upfront: undefined }],
  [
    'spent otherwise',
    { settle: 'payer spent_otherwise', look: 'released', upfront: 'payer spent_otherwise' },
  ],
  [
    'spent long before',
    { settle: 'payer spent_otherwise', look: 'released', upfront: 'payer spent_otherwise' },
  ],
  ['cancelled', { settle: 'payer cancelled', look: 'released', upfront: 'payer cancelled' }],
  ['unused, valid', { settle: undefined, look: undefined, upfront: undefined }],
  ['unused, at the deadline', { settle: undefined, look: undefined, upfront: undefined }],
  [
    'unused, past it, funded',
    { settle: 'gateway not_presented', look: 'released', upfront: 'released' },
  ],
  [
    'unused, past it, one unit short',
    { settle: 'payer unfunded', look: 'released', upfront: 'released' },
  ],
  [
    'unused, ten minutes past it, empty',
    { settle: 'payer unfunded', look: 'released', upfront: 'released' },
  ],
  [
    'unused, observed too late to prove a fault, empty',
    { settle: 'gateway not_presented', look: 'released', upfront: 'released' },
  ],
])('%s', (name, expected) => {
  const said = (purpose: Purpose) => {
    const outcome = conclude(purpose, look, VIEWS[name] as Observation);
    return outcome?.outcome === 'failed' ? `${outcome.fault} ${outcome.reason}` : outcome?.outcome;
  };
  expect({ settle: said('settle'), look: said('look'), upfront: said('upfront') }).toEqual(
    expected,
  );
});
