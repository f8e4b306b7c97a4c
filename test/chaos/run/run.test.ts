import { expect, it } from 'vitest';
import { FAULTS } from './options.ts';
import { runChaos } from './run.ts';

/** Milliseconds; enough for a slow machine. */
const MAX_MS = 600_000;

it(
  'loses no payment and charges none twice while every part fails',
  async () => {
    const { figures, violations } = await runChaos({
      payments: 150,
      payers: 14,
      seed: 402,
      faults: new Set(FAULTS),
      relayer: true,
      print: () => {},
    });
    expect(violations).toEqual([]);
    expect(figures).toMatchObject({
      ...{ unresolved: 0, doublePaid: 0, ledgerMinusChain: 0, unpaidBeyondExposure: 0 },
    });
    expect(figures.payments).toBeGreaterThanOrEqual(150);
    expect(figures.settled).toBeGreaterThan(0);
  },
  MAX_MS,
);
