import type { CheckId, Finding, HashedEntry } from '../../src/audit/verify/check.ts';
import { createDecisions } from '../../src/audit/verify/decisions.ts';
import { textHash } from '../../src/audit/verify/logged-text.ts';
import type { Hex } from '../../src/core/hex.ts';
import { type Policy, policyJson } from '../../src/policy/policy.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Entry, Json } from '../../src/protocol/entry.ts';

/** The logs of some accounts, each in order, and the default policy that bound them. */
export type Logs = {
  readonly logs: readonly (readonly Entry[])[];
  readonly policy: { readonly hash: Hex; readonly policy: Policy };
};

export type Findings = Readonly<Partial<Record<CheckId, Finding>>>;

/**
 * Decides all entries again. Their hashes and the digests of grants may be short names, because the checks of decisions trust those that
 * were checked before.
 */
export const decideAgain = async ({ logs, policy }: Logs): Promise<Findings> => {
  const documents = new Map<Hex, Json>([[policy.hash, policyJson(policy.policy) as Json]]);
  const accounts = new Map<AccountId, { first: number; last: number }>();
  for (const log of logs) {
    for (const { evidence = {} } of log) {
      const { policy: text, grant, delegation } = evidence;
      if (text !== undefined) documents.set(textHash(text), text);
      if (typeof grant === 'string' && delegation !== undefined) {
        documents.set(grant as Hex, delegation);
      }
    }
    const [first] = log;
    if (first !== undefined) accounts.set(first.account, { first: 1, last: log.length });
  }
  const checks = createDecisions({ documents });
  for (const log of logs) {
    for (const [at, entry] of log.entries()) {
      const place = { file: entry.account, line: at + 1 };
      const seen: HashedEntry = { entry, text: '', hash: '0x', place };
      for (const check of checks) await check.see(seen);
    }
  }
  const findings = await Promise.all(checks.map(async (check) => check.end()));
  return Object.fromEntries(findings.map((finding) => [finding.check, finding]));
};
