import { expect, it } from 'vitest';
import { heldRows, offeredRows } from '../../../../../src/dashboard/data/grants/grant-rows.ts';
import { grantLimits } from '../../../../../src/dashboard/format/policy-lines.ts';

const hashOf = (digit: string) => `0x${digit.repeat(64)}` as `0x${string}`;
const accountOf = (digit: string) => `eip155:84532:0x${digit.repeat(40)}` as const;
const policy = {
  ...{ perCall: '$0.05', lifetime: '$1.50' },
  windows: [{ every: 86_400, limit: '$0.05' }],
};

it('shows what a grant allowed after it has ended, and no limit of one that it cannot read', () => {
  const grant = {
    ...({ id: hashOf('1'), issuer: accountOf('a'), status: 'revoked', is_default: false } as const),
    valid_until: 9,
  };
  const [known, unknown] = heldRows({
    status: 'active',
    grants: [
      { ...grant, hash: hashOf('2'), policy },
      { ...grant, hash: hashOf('3'), policy: { perCall: 'much' } },
    ],
  });
  expect(grantLimits(known?.terms)).toEqual([
    '0.05 USDC per call',
    '0.05 USDC per day',
    '1.50 USDC in total',
  ]);
  expect(grantLimits(unknown?.terms)).toEqual(['–']);
});

it('lists the grants that an issuer offered to one agent, beside those that it holds', () => {
  const issued = (digit: string, to: string) => ({
    ...{ account: accountOf(to), grant: hashOf(digit), id: hashOf(digit) },
    ...({ status: 'offered', valid_until: 9, policy } as const),
  });
  const rows = offeredRows(
    [issued('1', 'b'), issued('2', 'b'), issued('3', 'c')],
    ...([accountOf('a'), accountOf('b'), [{ hash: hashOf('1') }]] as const),
  );
  expect(rows).toMatchObject([{ hash: hashOf('2'), status: 'offered', issuer: accountOf('a') }]);
});
