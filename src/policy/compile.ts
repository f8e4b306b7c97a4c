import { assetId, type Network } from '../protocol/account-id.ts';
import { ZERO_ADDRESS } from '../core/hex.ts';
import { MAX_STORED, min } from '../protocol/amount.ts';
import type { AgentDelegation } from '../protocol/intent/agent-delegation.ts';
import type { Policy } from './policy.ts';

/** Caps a limit at the largest storable amount; no price is above it. */
const stored = (amount: bigint): bigint => min(amount, MAX_STORED);

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
  assets: asset === ZERO_ADDRESS ? [] : [assetId(network, asset)],
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
