import type { CommandFieldFault } from '../../../src/protocol/account/command-verdict.ts';
import type { Json } from '../../../src/protocol/entry.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import { delegationFields } from '../../../src/protocol/intent/agent-delegation.ts';
import { checkedAt } from '../call/evidence.ts';

/** The ancestors must be asked before this can be decided. */
export type AskAncestors = { readonly verdict: 'ask_ancestors' };

export const ASK_ANCESTORS: AskAncestors = { verdict: 'ask_ancestors' };

/** The grant as signed: anyone can check it offline (law 11). */
export const grantEvidence = (grant: SignedGrant): { readonly [key: string]: Json } => ({
  grant: grant.hash,
  delegation: delegationFields(grant.delegation),
  signature: grant.signature,
  ...checkedAt(grant),
});

/** A fault in a field of a delegation. */
export const wrong = (field: string, expected: string, got: string): CommandFieldFault => ({
  ...{ reason: 'grant_refused', field: `delegation.${field}`, expected, got },
});
