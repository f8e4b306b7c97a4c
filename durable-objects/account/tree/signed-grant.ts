import {
  type AccountId,
  accountId,
  network,
  parseAccountId,
} from '../../../src/protocol/account-id.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import {
  type AgentDelegation,
  type DelegationFields,
  delegationFields,
} from '../../../src/protocol/intent/agent-delegation.ts';
import type { Address, Hex } from '../../../src/core/hex.ts';
import { compileDelegation } from '../../../src/policy/grant.ts';
import type { Policy } from '../../../src/policy/policy.ts';

/** The account that issued a grant. */
export const issuerOf = ({ chainId, delegation }: SignedGrant): AccountId =>
  accountId(network(chainId), delegation.issuer);

/** The account that received a grant. */
export const delegateOf = ({ chainId, delegation }: SignedGrant): AccountId =>
  accountId(network(chainId), delegation.delegate);

/** The policy that enforces a delegation: every limit goes through the same evaluation. */
export const compiled = ({ chainId, delegation }: SignedGrant): Policy =>
  compileDelegation(delegation, network(chainId));

export const addressOf = (account: AccountId): Address | undefined =>
  parseAccountId(account)?.address;

/** Whether a hash is the zero hash, which a delegation without a parent names. */
export const isZero = (hash: Hex): boolean => /^0x0*$/.test(hash);

/** As stored: the delegation's fields in their signed form. */
export type StoredGrant = Omit<SignedGrant, 'delegation'> & {
  readonly delegation: DelegationFields;
};

export const encodeGrant = (grant: SignedGrant): StoredGrant => ({
  ...grant,
  delegation: delegationFields(grant.delegation),
});

export const decodeGrant = ({ delegation, ...grant }: StoredGrant): SignedGrant => ({
  ...grant,
  delegation: {
    ...delegation,
    maxPerCall: BigInt(delegation.maxPerCall),
    maxTotal: BigInt(delegation.maxTotal),
    windowSeconds: BigInt(delegation.windowSeconds),
    maxPerWindow: BigInt(delegation.maxPerWindow),
    validAfter: BigInt(delegation.validAfter),
    validUntil: BigInt(delegation.validUntil),
    epoch: BigInt(delegation.epoch),
  } satisfies AgentDelegation,
});
