import { expect, it } from 'vitest';
import { policyDifferences } from '../../../src/dashboard/format/policy-lines.ts';
import { ruleName } from '../../../src/dashboard/format/rule-name.ts';
import { parsePolicy } from '../../../src/policy/policy.ts';

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
  expect(policyDifferences(before, after)).toEqual([
    { name: 'per day', before: '1.00 USDC', after: '5.00 USDC' },
    { name: 'calls', before: undefined, after: '3 in 60 seconds' },
    { name: 'tools', before: 'none', after: undefined },
  ]);
  expect(policyDifferences(after, after)).toEqual([]);
});

it('shows every field of a policy, so that no change is hidden', () => {
  const documents = [
    { tools: ['a'] },
    { payees: [] },
    { assets: [] },
    { perCall: '$1' },
    { approveAbove: '$1' },
    { windows: [{ every: 60, limit: '$1' }] },
    { lifetime: '$1' },
    { exposure: '$1' },
    { rate: { limit: 1, seconds: 1 } },
    { repeat: { times: 1, seconds: 1 } },
    { softPercent: 50 },
    { maxValidity: 60 },
    { binding: 'intent' },
    { validFrom: 1 },
    { validUntil: 2 },
    { deny: [{ tools: ['a'] }] },
    { require: [{ param: 'a', op: 'eq', value: 'b' }] },
  ];
  for (const document of documents) {
    expect(policyDifferences(undefined, policy(document)), JSON.stringify(document)).toHaveLength(
      1,
    );
  }
});

it.each([
  ['owner:window:day', 'per day, by its owner'],
  ['grant:lifetime', 'in total, by its grant'],
  ['grant:window:86400s', 'per 86400 seconds, by its grant'],
  ['rate', 'number of calls'],
  ['some_new_rule', 'some new rule'],
])('names the limit %s in words', (rule, name) => expect(ruleName(rule)).toBe(name));
