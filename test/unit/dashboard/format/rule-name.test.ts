import { describe, expect, it } from 'vitest';
import { ruleWords } from '../../../../src/dashboard/format/rule-name.ts';
import { RULE_GROUPS, STANDING_GROUPS } from '../../../../src/policy/policy.ts';
import { approveAbove } from '../../../../src/policy/rules/approve-above.ts';
import { exposure } from '../../../../src/policy/rules/exposure.ts';
import type { AccountRule } from '../../../../src/protocol/account/denial.ts';

const OF_ACCOUNTS: Readonly<Record<AccountRule, true>> = {
  ...{ balance: true, debt: true, suspended: true, credit: true, nonce_used: true },
  ...{ penniless: true, authority: true, unreachable: true, denial_rate: true },
  failure_rate: true,
};

describe('the filter by rule', () => {
  it('has every rule that denies calls, each with a name of its own', () => {
    // The account itself checks the last two.
    const rules = [...STANDING_GROUPS.flat(), ...RULE_GROUPS.flat(), approveAbove, exposure];
    const ofPolicies = rules.flatMap(({ denials }) => Object.keys(denials));
    const words = ruleWords(undefined);
    expect(Object.keys(words).toSorted()).toEqual(
      [...new Set([...ofPolicies, ...Object.keys(OF_ACCOUNTS)])].toSorted(),
    );
    expect(new Set(Object.values(words)).size).toBe(Object.keys(words).length);
  });

  it('keeps a chosen rule that it does not know', () => {
    expect(ruleWords('moon_phase')).toMatchObject({ moon_phase: 'moon phase' });
  });
});
