import { describe, expect, it } from 'vitest';
import {
  bindingLimits,
  tighterLimit,
} from '../../../../../src/dashboard/data/policies/binding-limits.ts';
import { countedAlready } from '../../../../../src/dashboard/data/policies/counted-already.ts';
import { parsePolicy } from '../../../../../src/policy/policy.ts';

const AGENT = 'eip155:84532:0x00000000000000000000000000000000000000aa' as const;
const OWNER = 'eip155:84532:0x00000000000000000000000000000000000000bb';
const [USUAL, OTHER, HASH] = ['0x01', '0x02', '0x03'].map(
  (text) => text.padEnd(66, '0') as `0x${string}`,
) as [`0x${string}`, `0x${string}`, `0x${string}`];

const standing: Parameters<typeof bindingLimits>[0] = {
  policies: [
    { kind: 'default', account: AGENT, hash: HASH, policy: { perCall: '$5.00' } },
    { kind: 'owner', account: AGENT, hash: HASH, policy: { perCall: '$9.00' } },
    {
      ...{ kind: 'grant', account: AGENT, hash: USUAL },
      policy: { lifetime: '$1.50', windows: [{ every: 86_400, limit: '$0.05' }] },
    },
    {
      ...{ kind: 'grant', account: AGENT, hash: OTHER },
      policy: { windows: [{ every: 86_400, limit: '$0.01' }] },
    },
    {
      ...{ kind: 'operator', account: OWNER, hash: HASH },
      policy: { windows: [{ every: 'month', limit: '$20.00' }] },
    },
  ],
  grants: [
    { hash: USUAL, is_default: true },
    { hash: OTHER, is_default: false },
  ],
};
const slot = (role: 'operator' | 'owner') => ({ account: AGENT, role });

describe('the limits that bind beside a policy', () => {
  it('are those of every other source, also of an account above, and not its own', () => {
    const found = bindingLimits(standing, slot('owner')).map(({ row, amount, by }) => [
      row,
      amount,
      by,
    ]);
    expect(found).toEqual([
      ['day', 10_000n, 'its grant 0x0200…0000'],
      ['day', 50_000n, 'its default grant'],
      ['lifetime', 1_500_000n, 'its default grant'],
      ['perCall', 5_000_000n, 'the default policy of the gateway'],
      ['month', 20_000_000n, 'the operator’s policy of 0x0000…00bb, above it'],
    ]);
  });

  it('are not those of the default policy for an operator, whose policy takes its place', () => {
    const found = bindingLimits(standing, slot('operator'));
    expect(found.filter(({ row }) => row === 'perCall').map(({ by }) => by)).toEqual([
      'the owner’s policy',
    ]);
  });

  it('of a grant in dollars on a card limit the rows in dollars only', () => {
    const policy = {
      ...{ assets: ['iso4217:USD'], perCall: '$1.00', lifetime: '$9.00' },
      windows: [{ every: 86_400, limit: '$2.00' }],
    };
    const policies = [{ kind: 'grant' as const, account: AGENT, hash: USUAL, policy }];
    expect(bindingLimits({ ...standing, policies }, slot('owner'))).toMatchObject([
      { row: 'usdDay', amount: 2_000_000n },
    ]);
  });

  it('make a larger amount change nothing, if they bind calls that name no grant', () => {
    const limits = bindingLimits(standing, slot('owner'));
    expect(tighterLimit(limits, 'day', 100_000n)).toMatchObject({ amount: 50_000n });
    // The limit of 0.01 applies only to calls that name its grant.
    expect(tighterLimit(limits, 'day', 50_000n)).toBe(undefined);
    expect(tighterLimit(limits, 'hour', 100_000n)).toBe(undefined);
    expect(tighterLimit(limits, 'day', undefined)).toBe(undefined);
  });
});

it('counts on from what any policy of the account has counted in the same period, and not from grants', () => {
  const limit = (rule: string, spent: string) => ({ rule, spent, held: '1' });
  const money = [
    {
      asset: 'iso4217:USD',
      limits: [
        limit('window:day', '6'),
        limit('grant:lifetime', '7'),
        limit('owner:window:month', '8'),
      ],
    },
  ];
  const read = parsePolicy({
    lifetime: '$9',
    windows: ['day', 'month', 'hour'].map((every) => ({ every, limit: '$1' })),
  });
  if (!read.ok) throw new Error('The policy is wrong.');
  expect(countedAlready(read.value, { money })).toEqual([
    { rule: 'window:day', asset: 'iso4217:USD', counted: 7n },
    { rule: 'window:month', asset: 'iso4217:USD', counted: 9n },
  ]);
});
