import { expect, it } from 'vitest';
import { FAULTS } from './options.ts';
import { runChaos } from './run.ts';

/** Its waits are bounded and long: a slow machine makes it slow, not red. */
const MOST_MS = 600_000;

it(
  'loses nothing where everything goes wrong',
  async () => {
    const { figures, wrongs } = await runChaos({
      payments: 150,
      payers: 14,
      seed: 402,
      faults: new Set(FAULTS),
      relayer: true,
      say: () => {},
    });
    expect(wrongs).toEqual([]);
    expect(figures).toMatchObject({
      ...{ unresolved: 0, doublePaid: 0, ledgerMinusChain: 0, unpaidBeyondExposure: 0 },
    });
    expect(figures.payments).toBeGreaterThanOrEqual(150);
    expect(figures.settled).toBeGreaterThan(0);
  },
  MOST_MS,
);
