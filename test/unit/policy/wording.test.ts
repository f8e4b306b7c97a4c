import { describe, expect, it } from 'vitest';
import { policyWording } from '../../../src/policy/policy.ts';
import { EVERY_DENIAL } from './every-rule.ts';

describe('the wording of a denial by a policy rule', () => {
  it.each(EVERY_DENIAL)('by %s states what happened and what the caller can do', (rule) => {
    const wording = policyWording({ rule });
    expect(wording?.subject.length).toBeGreaterThan(10);
    expect(wording?.hint.length).toBeGreaterThan(20);
  });

  it('has a different hint for every rule', () => {
    const hints = EVERY_DENIAL.map((rule) => policyWording({ rule })?.hint);
    expect(new Set(hints).size).toBe(EVERY_DENIAL.length);
  });

  it('by a window says whether waiting helps', () => {
    expect(policyWording({ rule: 'window', retryAfter: 60 })?.hint).toMatch(/^Wait until/);
    expect(policyWording({ rule: 'window' })?.subject).toMatch(/above the whole limit/);
    expect(policyWording({ rule: 'window' })?.hint).toMatch(/^Waiting does not help/);
  });

  it('is left to the account for a rule of its own', () => {
    expect(policyWording({ rule: 'debt' })).toBeUndefined();
  });
});
