import type { CheckId, Finding, HashedEntry } from '../../src/audit/verify/check.ts';
import { createDecisions } from '../../src/audit/verify/decisions.ts';
import { delegationHash, textHash } from '../../src/audit/verify/logged-text.ts';
import { type Hex, ZERO_HASH } from '../../src/core/hex.ts';
import { type Policy, policyJson } from '../../src/policy/policy.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Entry, Json } from '../../src/protocol/entry.ts';

/** The logs of some accounts, each in order, and the default policy that applied to them. */
export type Logs = {
  readonly logs: readonly (readonly Entry[])[];
  readonly policy: { readonly hash: Hex; readonly policy: Policy };
};

export type Findings = Readonly<Partial<Record<CheckId, Finding>>>;

type Named = { readonly [member: string]: Json; readonly id: Hex; readonly parent: Hex };

const word = (name: Hex): Hex => `0x${name.slice(2).padStart(64, '0')}`;

/** Replaces each short name that a simulation gave a grant (its digest, id or parent) by 32 bytes. */
const withDigests = (logs: Logs['logs']): Logs['logs'] => {
  const issued = new Map<unknown, { readonly account: AccountId; readonly delegation: Named }>();
  for (const { account, evidence = {} } of logs.flat()) {
    const delegation = evidence['delegation'] as Named | undefined;
    if (delegation !== undefined) issued.set(evidence['grant'], { account, delegation });
  }
  const names = new Map<unknown, Hex>();
  const digestOf = (name: Hex): Hex => {
    const grant = issued.get(name);
    if (grant === undefined) return word(name);
    const { account, delegation } = grant;
    const parent = digestOf(delegation.parent);
    const full = { ...delegation, id: word(delegation.id), parent };
    names.set(delegation.id, full.id);
    names.set(delegation.parent, parent);
    const digest = delegationHash({ account, evidence: { delegation: full } } as unknown as Entry);
    if (digest === undefined) throw new Error(`the simulated grant ${name} is malformed`);
    names.set(name, digest);
    return digest;
  };
  for (const name of issued.keys()) digestOf(name as Hex);
  names.set('0x0', ZERO_HASH);
  const renamed = (_: string, value: unknown): unknown => names.get(value) ?? value;
  return JSON.parse(JSON.stringify(logs), renamed) as Logs['logs'];
};

/**
 * Runs the checks of decisions on all entries. Entry hashes may be short names, because these checks rely on earlier checks of the hashes.
 */
export const decideAgain = async ({ logs: simulated, policy }: Logs): Promise<Findings> => {
  const logs = withDigests(simulated);
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
