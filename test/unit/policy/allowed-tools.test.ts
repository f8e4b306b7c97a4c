import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowedTools } from '../../../src/policy/allowed-tools.ts';
import { evaluate, standstill } from '../../../src/policy/evaluate.ts';
import { NOW, sourceOf, subject } from './sources.ts';

const id = fc.constantFrom('pay', 'pay.card', 'pay.card.one', 'payroll', 'Pay.card', 'echo');
const pattern = fc.oneof(id, fc.constantFrom('*', 'pay.*', 'pay.card.*'));
const policy = fc.oneof(fc.constant({}), fc.record({ tools: fc.array(pattern, { maxLength: 4 }) }));

describe('allowedTools', () => {
  test('returns exactly the tools that `evaluate` does not deny by the rule `tool`', () => {
    fc.assert(
      fc.property(fc.array(policy, { maxLength: 4 }), fc.uniqueArray(id), (policies, ids) => {
        const sources = policies.map((each) => sourceOf(each));
        const callable = ids.filter((tool) => {
          const verdict = evaluate(sources, { ...subject, tool }, NOW);
          return verdict.allowed || verdict.rule !== 'tool';
        });
        const allowed = allowedTools(
          policies,
          ids.map((each) => ({ id: each })),
        );
        expect(allowed.map((each) => each.id)).toEqual(callable);
      }),
    );
  });
});

describe('standstill', () => {
  test.each([
    ['frozen', {}, { status: 'frozen' }],
    ['paused', {}, { status: 'paused' }],
    ['revoked', {}, { status: 'revoked' }],
    ['expired', { validUntil: NOW }, {}],
    ['not_yet', { validFrom: NOW + 7 }, {}],
  ] as const)('names %s, as every call would be denied', (rule, fields, rest) => {
    const sources = [sourceOf(), sourceOf(fields, rest)];
    expect(standstill(sources, NOW)).toMatchObject({ rule, source: sources[1] });
    expect(evaluate(sources, subject, NOW)).toMatchObject({ allowed: false, rule });
  });

  test('names nothing that depends on the call', () => {
    expect(standstill([sourceOf({ tools: [], perCall: 0n, payees: [] })], NOW)).toBeUndefined();
  });
});
