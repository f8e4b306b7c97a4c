import { type Hex, ZERO_ADDRESS } from '../core/hex.ts';
import { type Network, signedAsset } from '../protocol/account-id.ts';
import { MAX_STORED, min } from '../protocol/amount.ts';
import type { AgentDelegation } from '../protocol/intent/agent-delegation.ts';
import type { Policy } from './policy.ts';
import { ANY_PAYEE } from './rules/payees.ts';
import { coversPatterns } from './rules/tools.ts';

/** Caps a limit at the largest storable amount; no price is above it. */
const stored = (amount: bigint): bigint => min(amount, MAX_STORED);

/** The field of a grant for each field of the policy that sets a limit. */
export const GRANT_LIMITS = {
  perCall: 'maxPerCall',
  windows: 'maxPerWindow',
  lifetime: 'maxTotal',
} as const satisfies { readonly [Field in keyof Policy]?: keyof AgentDelegation };

/** Compiles a grant to the policy that its calls must satisfy, so that there is one system of limits. */
export const compileDelegation = (
  {
    tools,
    payees,
    asset,
    maxPerCall,
    maxTotal,
    windowSeconds,
    maxPerWindow,
    ...grant
  }: AgentDelegation,
  network: Network,
): Policy => ({
  tools,
  payees,
  // The zero asset allows no spending: an empty list allows nothing.
  assets: asset === ZERO_ADDRESS ? [] : [signedAsset(network, asset)],
  perCall: stored(maxPerCall),
  // The total is always a limit, also at zero. A window of length zero sets no limit.
  lifetime: stored(maxTotal),
  windows:
    windowSeconds > 0n ? [{ every: Number(windowSeconds), limit: stored(maxPerWindow) }] : [],
  validFrom: Number(grant.validAfter),
  validUntil: Number(grant.validUntil),
  deny: [],
  require: [],
});

/** The first field in which a grant does not belong to its parent, or is wider. */
type AttenuationFault = {
  readonly field: keyof AgentDelegation;
  readonly expected: string;
  readonly got: string;
};

/**
 * Checks that a grant is not wider than its parent. Spend counts against every ancestor as well, so this check only rejects early what a
 * child could never use.
 */
export const attenuationFault = (
  parent: AgentDelegation,
  parentHash: Hex,
  child: AgentDelegation,
): AttenuationFault | undefined => {
  const fault = (field: keyof AgentDelegation, expected: string): AttenuationFault => ({
    field,
    expected,
    got: String(child[field]),
  });
  const same = (field: keyof AgentDelegation, expected: string) =>
    child[field] === expected ? undefined : fault(field, expected);
  const atMost = (field: Numeric, limit: bigint | number = parent[field]) =>
    child[field] <= limit ? undefined : fault(field, `<= ${limit}`);
  const atLeast = (field: Numeric) =>
    child[field] >= parent[field] ? undefined : fault(field, `>= ${parent[field]}`);
  // A shorter window with the same amount would allow more in the same time; no window would allow most.
  const windowed = parent.windowSeconds > 0n;

  return (
    same('issuer', parent.delegate) ??
    same('parent', parentHash) ??
    same('audience', parent.audience) ??
    same('asset', parent.asset) ??
    notInside('tools', child.tools, (tool) => coversPatterns(parent.tools, [tool])) ??
    // Only the wildcard covers the wildcard: a list never covers every payee.
    notInside(
      'payees',
      child.payees,
      (payee) => parent.payees.includes(ANY_PAYEE) || parent.payees.includes(payee),
    ) ??
    atMost('maxPerCall') ??
    atMost('maxTotal') ??
    (windowed ? (atLeast('windowSeconds') ?? atMost('maxPerWindow')) : undefined) ??
    atLeast('validAfter') ??
    atMost('validUntil') ??
    (parent.depth < 1 ? fault('depth', 'a parent of depth 1 or more') : undefined) ??
    atMost('depth', parent.depth - 1)
  );
};

type Numeric =
  | 'maxPerCall'
  | 'maxTotal'
  | 'windowSeconds'
  | 'maxPerWindow'
  | 'validAfter'
  | 'validUntil'
  | 'depth';

/** Returns the first entry that the parent does not cover. */
const notInside = <T extends string>(
  field: 'tools' | 'payees',
  entries: readonly T[],
  covered: (entry: T) => boolean,
): AttenuationFault | undefined => {
  const got = entries.find((entry) => !covered(entry));
  return got === undefined
    ? undefined
    : { field, expected: `inside the ${field} of its parent`, got };
};
