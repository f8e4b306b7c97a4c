import { expect, it } from 'vitest';
import { oldBalance } from '../../../../src/dashboard/format/old-balance.ts';

const NOW = 1_800_000_000;
const ready = { network: 'eip155:84532', state: 'ready' } as const;

it('names a relayer whose node is silent, and how old its balance is', () => {
  expect(oldBalance({ ...ready, balance_at: NOW - 60 }, NOW)).toBeUndefined();
  expect(oldBalance({ ...ready, balance_at: NOW - 61 }, NOW)).toMatch(
    /^No node of Base Sepolia answers the relayer\. Its balance is from .+\.$/,
  );
  expect(oldBalance(ready, NOW)).toContain('Its balance is not known.');
  expect(oldBalance({ ...ready, state: 'unconfigured' }, NOW)).toBeUndefined();
});
