import type { Json } from '../../../src/protocol/entry.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { delegationFields } from '../../../src/protocol/intent/agent-delegation.ts';
import { checkedAt } from '../call/evidence.ts';
import type { FieldFault } from '../../../src/protocol/account/command-fault.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';

/** Those above must be heard before this can be decided. */
export type Hear = { readonly verdict: 'hear' };

export const HEAR: Hear = { verdict: 'hear' };

/** The account of a grant's delegate. */
export const accountOf = (grant: SignedGrant): AccountId =>
  `eip155:${grant.chainId}:${grant.delegation.delegate}`;

/** The grant as it was signed: what makes it checkable without trusting us (law 11). */
export const evidenceOf = (grant: SignedGrant): { readonly [key: string]: Json } => ({
  grant: grant.hash,
  delegation: delegationFields(grant.delegation),
  signature: grant.signature,
  ...checkedAt(grant),
});

/** What is wrong with a member of a delegation. */
export const wrong = (field: string, expected: string, got: string): FieldFault => ({
  ...{ reason: 'grant_refused', field: `delegation.${field}`, expected, got },
});
