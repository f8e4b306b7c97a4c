import { describe, expect, test } from 'vitest';
import { inputOf } from '../../src/cli/lib/input.ts';
import { COMMAND_STYLE } from '../../src/cli/lib/policy-text.ts';
import { withFlags } from '../../src/cli/lib/policy.ts';
import { timeIn } from '../../src/cli/lib/time.ts';
import { parsePolicy, type Policy } from '../../src/policy/policy.ts';
import { policyDifferences } from '../../src/policy/policy-lines.ts';
import { NOW } from './support/output.ts';

const policy = (document: unknown) => {
  const parsed = parsePolicy(document);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
};

describe('flags of a policy', () => {
  const changed = (before: object, options: Record<string, string>) =>
    withFlags(before, inputOf([], options), NOW);

  test('add to a list with +, which a policy that allows all does not have', () => {
    expect(changed({ tools: ['a'] }, { tools: '+b,a' })).toEqual({ tools: ['a', 'b'] });
    expect(() => changed({}, { tools: '+b' })).toThrow('it allows all');
  });

  test('change the fields that they name; none removes a field', () => {
    const before = {
      perCall: '$1',
      tools: ['a'],
      windows: [
        { every: 'day', limit: '$2' },
        {
          every: 'day',
          limit: '$3',
          asset: 'eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
        },
        { every: 3600, limit: '$4' },
      ],
    };
    expect(changed(before, { perDay: '$5' })).toEqual({
      ...before,
      windows: [before.windows[1], before.windows[2], { every: 'day', limit: '$5.00' }],
    });
    expect(changed(before, { perDay: 'none', perCall: 'none' })).toEqual({
      tools: ['a'],
      windows: [before.windows[1], before.windows[2]],
    });
    expect(changed(before, { tools: '' })).toMatchObject({ tools: [] });
    expect(
      changed(
        {},
        { until: '2026-12-31', rate: '60/1m', repeat: '3/10s', alert: '70%', payees: 'any' },
      ),
    ).toEqual({
      validUntil: 1_798_675_200,
      rate: { limit: 60, seconds: 60 },
      repeat: { times: 3, seconds: 10 },
      softPercent: 70,
      payees: [`0x${'f'.repeat(40)}`],
    });
  });

  test.each([
    ['perCall', '0.0000001'],
    ['perCall', '1,5'],
    ['perCall', '.5'],
    ['perCall', '0x5'],
    ['perCall', '5U'],
    ['perCall', '$0.0000001'],
    ['perDay', '-1'],
    ['rate', '60'],
    ['rate', '0/60s'],
    ['alert', '100'],
    ['until', '2026-02-31'],
    ['until', 'soon'],
    ['payees', 'alice'],
  ])('reject --%s %s', (option, value) => {
    expect(() => changed({}, { [option]: value })).toThrow(/takes|not an address/);
  });

  test('accept days, times and durations', () => {
    expect(timeIn('30d', '--until', NOW)).toBe(NOW + 30 * 86_400);
    expect(timeIn('2026-12-31T12:00:00Z', '--until', NOW)).toBe(1_798_718_400);
    expect(timeIn('1798675200', '--until', NOW)).toBe(1_798_675_200);
  });
});

test('compares policies in human units, and prints different values differently', () => {
  const before = policy({
    perCall: '0u',
    rate: { limit: 60, seconds: 60 },
    windows: [{ every: 90_061, limit: '$1' }],
  });
  const after = policy({
    perCall: '50000u',
    rate: { limit: 60, seconds: 60 },
    windows: [{ every: 90_000, limit: '$1' }],
    validUntil: 1_798_675_200,
    tools: [],
  });
  const differences = (from: Policy, to: Policy) => policyDifferences(from, to, COMMAND_STYLE);
  expect(differences(before, after)).toEqual([
    { name: 'per call', before: '$0.00', after: '$0.05' },
    { name: 'per 90000 seconds', before: undefined, after: '$1.00' },
    { name: 'tools', before: undefined, after: 'none' },
    { name: 'valid until', before: undefined, after: '2026-12-31T00:00:00Z' },
    { name: 'per 90061 seconds', before: '$1.00', after: undefined },
  ]);
  expect(differences(after, after)).toEqual([]);
});
