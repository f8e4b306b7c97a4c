import { describe, expect, it } from 'vitest';
import { errorText } from '../../../src/cli/lib/error-text.ts';
import { CliError } from '../../../src/cli/lib/errors.ts';
import { styleOf } from '../../../src/cli/lib/output.ts';
import type { PolicyDenial } from '../../../src/policy/policy.ts';
import { type AccountRule } from '../../../src/protocol/account/denial.ts';
import { countsCalls } from '../../../src/policy/rule-name.ts';

/** Whether each rule's figures count calls or money. Exported logs contain the names, so no name may change. */
const FIGURES: Readonly<Record<AccountRule | PolicyDenial, 'calls' | 'money' | 'none'>> = {
  balance: 'money',
  allowance: 'money',
  debt: 'money',
  suspended: 'money',
  credit: 'money',
  nonce_used: 'none',
  penniless: 'none',
  screening: 'none',
  authority: 'none',
  unreachable: 'none',
  denial_rate: 'calls',
  failure_rate: 'calls',
  frozen: 'none',
  paused: 'none',
  revoked: 'none',
  expired: 'none',
  not_yet: 'none',
  deny: 'none',
  require: 'none',
  tool: 'none',
  payee: 'none',
  asset: 'none',
  binding: 'none',
  validity: 'none',
  per_call: 'money',
  window: 'money',
  lifetime: 'money',
  exposure: 'money',
  rate: 'calls',
  repeat: 'calls',
  approval: 'none',
  approval_queue: 'none',
};

describe('the figures of a denial', () => {
  it.each(Object.entries(FIGURES))('of %s are %s', (rule, kind) => {
    expect(countsCalls(rule)).toBe(kind === 'calls');
    expect(countsCalls(`owner:${rule}`)).toBe(kind === 'calls');
  });

  it.each(Object.entries(FIGURES))('of %s are printed by the command as %s', (rule, kind) => {
    const details = { rule, limit: '500', price: '20000' };
    const error = new CliError('Denied', { code: 'denied', hint: 'none', details });
    const text = errorText(error, 100, styleOf(false), 0);
    expect(text).toMatch(kind === 'calls' ? /limit +500\b/ : /limit +\$0\.0005/);
    expect(text).toMatch(/price +\$0\.02/);
  });
});

it('prints the name of a setting among the details as it is typed', () => {
  const details = { UPSTREAM_URL: 'is not public', retry_allowed: true, first_seen: 1 };
  const error = new CliError('The settings are faulty.', { hint: 'none', details });
  const text = errorText(error, 100, styleOf(false), 0);
  expect(text).toContain('UPSTREAM_URL');
  expect(text).toContain('first seen');
});
