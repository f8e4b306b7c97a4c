import { parseCommandBytes } from '../../src/protocol/account/command-budget.ts';
import { ok } from '../../src/core/result.ts';
import { BUILT_IN_POLICY, parseDefaultPolicy, policyHash } from '../../src/policy/policy.ts';
import type { Rules } from './ledger.ts';

/** The operator's settings for every account, parsed once per object. An unreadable setting denies every call (law 8). */
export const openRules = (env: Env): (() => Rules) => {
  let rules: Rules | undefined;
  return () => {
    if (rules !== undefined) return rules;
    const text = env.DEFAULT_POLICY.trim();
    const policy = text === '' ? ok(BUILT_IN_POLICY) : parseDefaultPolicy(JSON.parse(text));
    if (!policy.ok) throw new Error('DEFAULT_POLICY is malformed');
    const commandBytes = parseCommandBytes(env.COMMAND_BYTES_PER_DAY.trim());
    if (commandBytes === undefined) throw new Error('COMMAND_BYTES_PER_DAY is malformed');
    rules = { policy: policy.value, policyHash: policyHash(policy.value), commandBytes };
    return rules;
  };
};
