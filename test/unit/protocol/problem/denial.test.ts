import { describe, expect, it } from 'vitest';
import { policyWording } from '../../../../src/policy/policy.ts';
import type { AccountRule, Denial } from '../../../../src/protocol/account/denial.ts';
import { accountRuleWords } from '../../../../src/protocol/problem/account-rule.ts';
import { problemOf } from '../../../../src/protocol/problem/reason.ts';
import { denialOf, denied, HASH } from './examples.ts';

const withWording = (denial: Denial) => {
  const wording = policyWording(denial);
  return wording === undefined ? denied(denial) : { ...denied(denial), wording };
};

describe('a denial', () => {
  const rules = Object.keys(accountRuleWords) as AccountRule[];

  it.each(rules)('by %s states what the caller can do', (rule) => {
    const { members } = problemOf(denied(denialOf(rule)));
    expect(members.status).toBe(403);
    expect(members['rule']).toBe(rule);
    expect(members.hint.length).toBeGreaterThan(20);
    expect(members.detail.length).toBeGreaterThan(10);
  });

  const limitOf = (rule: string, limit: string, spent: string, remaining: string) => ({
    ...{ rule, limit, spent, held: '0', remaining },
  });

  it.each<[string, Denial, RegExp, RegExp]>([
    [
      'a balance that open payments reserve',
      denialOf('balance', { retryAllowed: true, retryAfter: 5 }),
      /have not settled yet/,
      /wait 5 seconds/,
    ],
    ['a balance that is too low', denialOf('balance', { retryAllowed: true }), /./, /^Add funds/],
    [
      'a free call of an account without money',
      denialOf('penniless', { retryAllowed: true }),
      /holds no money on this chain and has paid nothing here/,
      /Add funds/,
    ],
    [
      'a debt',
      denialOf('debt', { limit: limitOf('debt', '0', '20000', '0') }),
      /It owes \$0\.02\.$/,
      /Pay the debt of the account/,
    ],
    [
      'credit',
      denialOf('credit', { limit: limitOf('credit', '5000', '0', '5000') }),
      /Price \$15\.00, credit \$0\.005, remaining \$0\.005\.$/,
      /Top up/,
    ],
  ])('by %s states what happened and what helps', (_, denial, detail, hint) => {
    const { members } = problemOf(denied(denial));
    expect(members.detail).toMatch(detail);
    expect(members.hint).toMatch(hint);
  });

  it('of a top-up is about the credit that the account may hold, not about a price', () => {
    const { members } = problemOf({
      reason: 'denied',
      denial: denialOf('credit'),
      tool: 'countersign.credits',
      price: 1n,
    });
    expect(members.detail).toBe('The account cannot take this top-up.');
    expect(members.hint).not.toContain('Top up');
  });

  it('has a different hint for every rule', () => {
    const hints = rules.map((rule) => problemOf(denied(denialOf(rule))).members.hint);
    expect(new Set(hints).size).toBe(hints.length);
  });

  it('carries the limit, its remaining amount and the policy (law 8)', () => {
    const limit = {
      rule: 'window:day',
      limit: '20000000',
      spent: '9000000',
      held: '1000000',
      remaining: '10000000',
      resetsAt: 1_900_000_000,
      window: 86_400,
    };
    const { members, headers } = problemOf(
      withWording(denialOf('window', { limit, retryAllowed: true, retryAfter: 77 })),
    );
    expect(members).toMatchObject({
      status: 429,
      type: 'urn:countersign:problem:denied',
      rule: 'window',
      account: 'eip155:84532:0x2222222222222222222222222222222222222222',
      tool: 'enrich',
      price: '15000000',
      limit: '20000000',
      spent: '9000000',
      held: '1000000',
      remaining: '10000000',
      window: 86_400,
      resets_at: 1_900_000_000,
      retry_allowed: true,
      policy: HASH,
    });
    expect(members.detail).toContain('Price $15.00, limit $20.00, remaining $10.00.');
    expect(headers['Retry-After']).toBe('77');
    expect(members.hint).toBe(
      'Wait until 2030-03-17T17:46:40Z, 77 seconds from now, then sign and send the call again.',
    );
  });

  it('by a rate counts calls, not dollars', () => {
    const limit = {
      rule: 'rate',
      limit: '600',
      spent: '600',
      held: '0',
      remaining: '0',
      window: 60,
      resetsAt: 1_900_000_000,
    };
    const denial = denialOf('rate', { limit, retryAllowed: true, retryAfter: 43 });
    const { members } = problemOf(withWording(denial));
    expect(members.detail).toContain('600 calls in 60 seconds');
    expect(members.detail).not.toContain('$');
    expect(members).toMatchObject({ status: 429, retry_after: 43, resets_at: 1_900_000_000 });
    const one = problemOf(withWording({ ...denial, limit: { ...limit, limit: '1' } })).members;
    expect(one.detail).toContain('1 call in 60 seconds');
  });

  it('by a repeat or a rate counts calls, whoever set the limit', () => {
    const limit = { rule: 'repeat', limit: '3', spent: '3', held: '0', remaining: '0', window: 60 };
    for (const rule of ['rate', 'repeat'] as const) {
      const { detail } = problemOf(withWording(denialOf(rule, { limit }))).members;
      expect(detail).toContain('3 calls in 60 seconds');
    }
  });

  it('names the rule and the ancestor that set it, not the name of its limit', () => {
    const account = `eip155:84532:0x${'33'.repeat(20)}` as const;
    const limit = {
      rule: 'grant:window:day',
      account,
      limit: '5',
      spent: '5',
      held: '0',
      remaining: '0',
    };
    const { members } = problemOf(
      denied(denialOf('window', { account, limit, grant: HASH, param: 'to' })),
    );
    expect(members).toMatchObject({
      rule: 'window',
      account,
      limit: '5',
      grant: HASH,
      param: 'to',
    });
  });

  it('by an ancestor that does not answer states when to retry', () => {
    const denial = denialOf('unreachable', { retryAllowed: true, retryAfter: 2 });
    const { members, headers } = problemOf(denied(denial));
    expect(members.status).toBe(429);
    expect(headers['Retry-After']).toBe('2');
  });

  it('answers 403 without Retry-After where waiting does not help', () => {
    const { members, headers } = problemOf(
      denied(denialOf('per_call', { retryAllowed: false, retryAfter: 5 })),
    );
    expect(members.status).toBe(403);
    expect(headers['Retry-After']).toBeUndefined();
  });
});
