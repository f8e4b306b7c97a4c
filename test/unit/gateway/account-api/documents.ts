import { privateKeyToAccount } from 'viem/accounts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { AgentDelegation } from '../../../../src/protocol/intent/agent-delegation.ts';
import type { AgentRevocation } from '../../../../src/protocol/intent/agent-revocation.ts';
import {
  delegationBodyOf,
  revocationBodyOf,
} from '../../../../src/protocol/intent/signed-document.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { DELEGATION, membersOf, REVOCATION } from '../../protocol/intent/wire.ts';
import { CHAIN_ID, type Who } from '../signing.ts';

const types = {
  AgentDelegation: membersOf(vectors.typeStrings.AgentDelegation),
  AgentRevocation: membersOf(vectors.typeStrings.AgentRevocation),
};

const sign = (
  primaryType: keyof typeof types,
  message: AgentDelegation | AgentRevocation,
  who: Who,
  chainId: number,
): Promise<Hex> =>
  privateKeyToAccount(vectors.keys[who].privateKey as Hex).signTypedData({
    domain: { name: 'Countersign', version: '1', chainId },
    types,
    primaryType,
    message,
  });

/** The vectors' grant of the owner to the agent. `fields` override it. */
export const delegationOf = (fields: Partial<AgentDelegation> = {}): AgentDelegation => ({
  ...DELEGATION,
  ...fields,
});

export const revocationOf = (fields: Partial<AgentRevocation> = {}): AgentRevocation => ({
  ...REVOCATION,
  ...fields,
});

export type Signing = {
  readonly who?: Who;
  readonly chainId?: number;
  /** Sent in place of the real signature. */
  readonly signature?: Hex;
};

/** The body of `PUT /delegations`. */
export const delegationBody = async (
  delegation: AgentDelegation,
  { who = 'owner', chainId = CHAIN_ID, signature }: Signing = {},
) =>
  delegationBodyOf({
    chainId,
    delegation,
    signature: signature ?? (await sign('AgentDelegation', delegation, who, chainId)),
  });

/** The body of `POST /revocations`. */
export const revocationBody = async (
  revocation: AgentRevocation,
  { who = 'owner', chainId = CHAIN_ID, signature }: Signing = {},
) =>
  revocationBodyOf({
    chainId,
    revocation,
    signature: signature ?? (await sign('AgentRevocation', revocation, who, chainId)),
  });

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** The malleated form of an ECDSA signature: the complementary s, and the other parity. */
export const malleated = (signature: Hex): Hex => {
  const s = ORDER - BigInt(`0x${signature.slice(66, 130)}`);
  const v = signature.endsWith('1b') ? '1c' : '1b';
  return `0x${signature.slice(2, 66)}${s.toString(16).padStart(64, '0')}${v}`;
};

/** The signature of a contract account that is not deployed (ERC-6492). */
export const counterfactual = (signature: Hex): Hex =>
  `0x${signature.slice(2)}${'6492'.repeat(16)}`;
