import { expect, test } from 'vitest';
import { flightsFor } from '../../../../src/settlement/relayer/flights.ts';

const base = { blockGas: 400_000_000, gasPerPayment: 50_000, batch: 100, keys: 1 };

test.each([
  ['of a large block are limited by the mempool', {}, 10],
  ['fill a block of 30 million gas', { blockGas: 30_000_000 }, 6],
  ['are shared by the keys of the chain', { keys: 16 }, 5],
  ['of a small block are four', { blockGas: 5_000_000 }, 4],
  ['of dear payments are fewer', { gasPerPayment: 800_000 }, 5],
  ['of small batches are limited by the mempool', { batch: 1, blockGas: 30_000_000 }, 10],
] as const)('transactions under way %s', (_, changes, flights) => {
  expect(flightsFor({ ...base, ...changes })).toBe(flights);
});
