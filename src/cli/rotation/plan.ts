import type { Address, Hex } from '../../core/hex.ts';
import type { PolicyDocument } from '../../management/policy.route.ts';
import { parsePolicy, type Policy } from '../../policy/policy.ts';
import { periodOf, type Window, windowName } from '../../policy/window.ts';
import type { AgentDelegation } from '../../protocol/intent/agent-delegation.ts';
import type { Used } from './used.ts';

/** A grant of the old key, and its counted spend at the moment of the plan. */
export type OldGrant = { readonly hash: Hex; readonly delegation: AgentDelegation } & {
  readonly used: Used;
};

const least = (amounts: readonly bigint[]): bigint | undefined =>
  amounts.length === 0 ? undefined : amounts.reduce((low, amount) => (amount < low ? amount : low));

const atLeastZero = (amount: bigint): bigint => (amount > 0n ? amount : 0n);

/** The part of the tightest limit that the old key may still spend during the overlap, unless the owner names another. */
const SHARE = 10n;

/** The default allowance: a tenth of what remains of the tightest limit. */
export const allowanceOf = (grants: readonly OldGrant[]): bigint => {
  const remaining = grants.flatMap(({ delegation, used }) => [
    delegation.maxTotal - used.total,
    ...(delegation.windowSeconds === 0n ? [] : [delegation.maxPerWindow - used.window]),
  ]);
  return atLeastZero(least(remaining) ?? 0n) / SHARE;
};

/**
 * The grant of the new key: the terms of the old one, with the part of the total that is neither counted nor still available to the old
 * key. So both keys together never spend more than the owner once signed.
 *
 * @param reserved the most that the old key can still spend
 * @returns undefined if nothing remains
 */
export const successorOf = (
  { delegation, used }: OldGrant,
  reserved: bigint,
  next: { readonly delegate: Address; readonly id: Hex; readonly epoch: bigint },
): AgentDelegation | undefined => {
  const maxTotal = atLeastZero(delegation.maxTotal - used.total - reserved);
  // A grant of zero allows free tools.
  if (maxTotal === 0n && delegation.maxTotal > 0n) return undefined;
  return { ...delegation, ...next, maxTotal };
};

/** The counted spend of each limit in the owner's policy for the old key, by the name of the limit: `lifetime`, `day`, `3600s`. */
export type OwnerUsed = (name: string) => bigint;

/**
 * The owner's policy for the new key while both keys live: the old key's policy, with its windows and those of the grants lowered by the
 * amount that the old key has spent and can still spend of each. Undefined if the policy limits no spend.
 */
export const policyDuring = (
  before: PolicyDocument | undefined,
  grants: readonly OldGrant[],
  reserved: bigint,
  used: OwnerUsed,
): PolicyDocument | undefined => {
  const policy = policyOf(before);
  const ofPolicy = policy.windows.map((window) => ({
    ...window,
    limit: atLeastZero(window.limit - used(windowName(window.every)) - reserved),
  }));
  const ofGrants = grants
    .filter(({ delegation }) => delegation.windowSeconds > 0n)
    .map(({ delegation, used: { window } }): Window => ({
      every: Number(delegation.windowSeconds),
      limit: atLeastZero(delegation.maxPerWindow - window - reserved),
    }));
  const windows = tightest([...ofPolicy, ...ofGrants]);
  const lifetime =
    policy.lifetime === undefined
      ? undefined
      : atLeastZero(policy.lifetime - used('lifetime') - reserved);
  if (before === undefined && windows.length === 0) return undefined;
  return documentOf(before, windows, lifetime);
};

/**
 * The owner's policy for the new key afterwards: its windows are again those of the old key's policy, and the lifetime limit stays lowered.
 */
export const policyAfter = (
  before: PolicyDocument | undefined,
  during: PolicyDocument | undefined,
): PolicyDocument | undefined =>
  before === undefined
    ? undefined
    : documentOf(before, policyOf(before).windows, policyOf(during).lifetime);

/** When no running window counts spend of the old key any more: the end of the longest window that contains `now`. */
export const windowsEnd = (during: PolicyDocument | undefined, now: number): number =>
  policyOf(during).windows.reduce((end, { every }) => Math.max(end, periodOf(every, now).end), now);

/** The gateway refuses two limits for one window and asset, because they would share a counter. Keep the lower one. */
const tightest = (windows: readonly Window[]): readonly Window[] => {
  const byName = new Map<string, Window>();
  for (const window of windows) {
    const name = `${windowName(window.every)} ${window.asset ?? ''}`;
    const known = byName.get(name);
    if (known === undefined || window.limit < known.limit) byName.set(name, window);
  }
  return [...byName.values()];
};

const documentOf = (
  before: PolicyDocument | undefined,
  windows: readonly Window[],
  lifetime: bigint | undefined,
): PolicyDocument => ({
  ...before,
  windows: windows.map((window) => ({ ...window, limit: `${window.limit}u` })),
  ...(lifetime === undefined ? {} : { lifetime: `${lifetime}u` }),
});

/** @throws Error for a policy that no gateway stores */
const policyOf = (document: PolicyDocument | undefined): Policy => {
  const parsed = parsePolicy(document ?? {});
  if (parsed.ok) return parsed.value;
  throw new Error(`not a policy: ${parsed.error.map(({ field }) => field).join(', ')}`);
};
