import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import { ANY_PAYEE } from '../../../src/policy/rules/payees.ts';
import type { Keeper } from './keeper.ts';
import type { Limits } from './limits.ts';
import { addressAt, AUDIENCE, CHAIN, hex, NO_GRANT, TOKEN } from './names.ts';
import type { GrantPlan } from './plan.ts';

/** Levels of grants that an owner's grant allows below it. */
const DEPTH = 3;

export const limitsOf = ({ total, perCall, seconds, inWindow }: GrantPlan): Limits => ({
  perCall,
  counters: { lifetime: total, ...(seconds === 0n ? {} : { [`${seconds}s`]: inWindow }) },
});

/** A signed grant with a dummy signature, because accounts rely on the gateway's check. */
export const signedOf = (
  id: number,
  [issuer, holder]: readonly [Keeper, Keeper],
  its: GrantPlan,
  until: number,
  epoch: number,
  parent: SignedGrant | undefined,
): SignedGrant => ({
  hash: hex(0x1000 + id),
  chainId: CHAIN,
  signature: hex(0x44),
  ...(its.byContract ? { contractCheckedAt: 7 } : {}),
  delegation: {
    issuer: addressAt(issuer.index),
    delegate: addressAt(holder.index),
    audience: AUDIENCE,
    tools: ['*'],
    payees: [ANY_PAYEE],
    asset: TOKEN,
    maxPerCall: its.perCall,
    maxTotal: its.total,
    windowSeconds: its.seconds,
    maxPerWindow: its.inWindow,
    validAfter: 0n,
    validUntil: BigInt(until),
    epoch: BigInt(epoch),
    depth: parent === undefined ? DEPTH : Math.max(0, parent.delegation.depth - 1),
    id: hex(0x2000 + id),
    parent: parent?.hash ?? NO_GRANT,
  },
});
