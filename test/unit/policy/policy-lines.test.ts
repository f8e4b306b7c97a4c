import { expect, it } from 'vitest';
import { PAGE_STYLE } from '../../../src/dashboard/format/policy-lines.ts';
import { parsePolicy, type Policy } from '../../../src/policy/policy.ts';
import { absentText, policyDifferences, policyLines } from '../../../src/policy/policy-lines.ts';

const differences = (before: Policy | undefined, after: Policy | undefined) =>
  policyDifferences(before, after, PAGE_STYLE);

const policy = (document: unknown) => {
  const read = parsePolicy(document);
  return read.ok ? read.value : undefined;
};

it('says in words and amounts what changes between two policies', () => {
  const before = policy({ windows: [{ every: 'day', limit: '$1' }], perCall: '$0.05', tools: [] });
  const after = policy({
    windows: [{ every: 'day', limit: '$5' }],
    perCall: '$0.05',
    rate: { limit: 3, seconds: 60 },
  });
  expect(differences(before, after)).toEqual([
    { name: 'per day', before: '1.00 USDC', after: '5.00 USDC' },
    { name: 'calls', before: undefined, after: '3 per minute' },
    { name: 'tools', before: 'none', after: undefined },
  ]);
  expect(differences(after, after)).toEqual([]);
});

it('names the money of each limit, and never adds dollars on a card to USDC', () => {
  const assets = [`eip155:8453/erc20:0x${'11'.repeat(20)}`, 'iso4217:USD'];
  const limits = {
    perCall: '$5',
    lifetime: '$9',
    windows: [
      { every: 'day', limit: '$1' },
      { every: 'day', limit: '$2', asset: 'iso4217:USD' },
    ],
  };
  const linesOf = (named: readonly string[]) =>
    policyLines(policy({ ...limits, assets: named }) ?? expect.unreachable(), PAGE_STYLE).slice(
      0,
      4,
    );
  expect(linesOf(assets)).toEqual([
    ['per call', '5.00 USDC or USD'],
    ['per day', '1.00 USDC, and as many USD'],
    ['per day in USD', '2.00 USD'],
    ['in total', '9.00 USDC, and as many USD'],
  ]);
  expect(linesOf(['iso4217:USD'])[3]).toEqual(['in total', '9.00 USD']);
  expect(linesOf(assets.slice(0, 1))[3]).toEqual(['in total', '9.00 USDC']);
});

it('shows every field of a policy, so that no change is hidden', () => {
  const documents: Readonly<Record<keyof Policy, unknown>> = {
    tools: ['a'],
    payees: [],
    assets: [],
    perCall: '$1',
    approveAbove: '$1',
    windows: [{ every: 60, limit: '$1' }],
    lifetime: '$1',
    exposure: '$1',
    rate: { limit: 1, seconds: 1 },
    repeat: { times: 1, seconds: 1 },
    softPercent: 50,
    maxValidity: 60,
    binding: 'intent',
    validFrom: 1,
    validUntil: 2,
    deny: [{ tools: ['a'] }],
    require: [{ param: 'a', op: 'eq', value: 'b' }],
  };
  for (const [field, value] of Object.entries(documents)) {
    expect(differences(undefined, policy({ [field]: value })), field).toHaveLength(1);
  }
});

it('tells a policy that takes proofs of any binding from one that takes bound proofs', () => {
  expect(differences(policy({ binding: 'none' }), policy({ binding: 'intent' }))).toEqual([
    {
      name: 'proofs',
      before: 'bound to their request, or not',
      after: 'bound to their request only',
    },
  ]);
});

it('says what holds without a rule', () => {
  expect(['needs approval above', 'per day', 'warns at'].map(absentText)).toEqual([
    'never needed',
    'no limit',
    '80 % of a limit',
  ]);
});
