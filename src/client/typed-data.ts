import { chainIdOf } from '../protocol/account-id.ts';
import { type Address, type Hex } from '../core/hex.ts';
import {
  addressWord,
  arrayWord,
  bytes32Word,
  stringWord,
  structHash,
  typedDataDigest,
  uintWord,
  type Word,
} from '../crypto/typed-data.ts';
import {
  AGENT_DELEGATION_TYPE,
  type AgentDelegation,
} from '../protocol/intent/agent-delegation.ts';
import { AGENT_INTENT_TYPE, type AgentIntent } from '../protocol/intent/agent-intent.ts';
import {
  AGENT_REVOCATION_TYPE,
  type AgentRevocation,
} from '../protocol/intent/agent-revocation.ts';
import type { Authorization, Token } from '../protocol/payment.ts';

type TypedField = { readonly name: string; readonly type: string };

/** EIP-712 typed data without nesting, in the form that viem and `eth_signTypedData_v4` take. */
export type TypedData = {
  readonly domain: {
    readonly name: string;
    readonly version: string;
    readonly chainId: number;
    readonly verifyingContract?: Address;
  };
  readonly types: Readonly<Record<string, readonly TypedField[]>>;
  readonly primaryType: string;
  /** Addresses, hashes and texts as strings; numbers as `bigint`, or `number` where they have at most 32 bits. */
  readonly message: Readonly<Record<string, Value>>;
};

type Value = string | bigint | number | readonly string[];

const DOMAIN: readonly TypedField[] = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
];
const CONTRACT_DOMAIN = [...DOMAIN, { name: 'verifyingContract', type: 'address' }];

const TRANSFER_WITH_AUTHORIZATION: readonly TypedField[] = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
];

/** What is signed under the gateways' domain (design §4.1), by the EIP-712 type as a text. */
const countersigned = (type: string, message: TypedData['message'], chainId: number): TypedData => {
  const [primaryType = '', members = ''] = type.slice(0, -1).split('(');
  const fields = members.split(',').map((member) => {
    const [of = '', name = ''] = member.split(' ');
    return { name, type: of };
  });
  return {
    domain: { name: 'Countersign', version: '1', chainId },
    types: { EIP712Domain: DOMAIN, [primaryType]: fields },
    primaryType,
    message,
  };
};

/** What is signed for an unpaid call, or one from credit (design §4.4). */
export const intentTypedData = (intent: AgentIntent, chainId: number): TypedData =>
  countersigned(AGENT_INTENT_TYPE, { ...intent }, chainId);

/** What an owner signs to let an agent act for it, and to take that back (design §4.5). */
export const delegationTypedData = (delegation: AgentDelegation, chainId: number): TypedData =>
  countersigned(AGENT_DELEGATION_TYPE, { ...delegation }, chainId);

export const revocationTypedData = (revocation: AgentRevocation, chainId: number): TypedData =>
  countersigned(AGENT_REVOCATION_TYPE, { ...revocation }, chainId);

/** What is signed for a payment (EIP-3009). The domain is the token's own, from our table, never from an offer. */
export const transferTypedData = (token: Token, authorization: Authorization): TypedData => ({
  domain: {
    name: token.name,
    version: token.version,
    chainId: chainIdOf(token.network) ?? 0,
    verifyingContract: token.address,
  },
  types: {
    EIP712Domain: CONTRACT_DOMAIN,
    TransferWithAuthorization: TRANSFER_WITH_AUTHORIZATION,
  },
  primaryType: 'TransferWithAuthorization',
  message: { ...authorization },
});

const wordOf = (type: string, value: Value): Word => {
  if (typeof value === 'object') {
    return arrayWord(value.map((item) => wordOf(type.slice(0, -2), item)));
  }
  if (type === 'string') return stringWord(String(value));
  if (type === 'address') return addressWord(String(value).toLowerCase() as Address);
  if (type === 'bytes32') return bytes32Word(String(value) as Hex);
  return uintWord(BigInt(value));
};

const hashOf = (
  name: string,
  fields: readonly TypedField[],
  values: Readonly<Record<string, Value>>,
): Word =>
  structHash(
    stringWord(`${name}(${fields.map((field) => `${field.type} ${field.name}`).join(',')})`),
    ...fields.map((field) => wordOf(field.type, values[field.name] ?? '')),
  );

/** The digest that a signature over flat typed data must stand for. */
export const digestOf = ({ domain, types, primaryType, message }: TypedData): Hex =>
  typedDataDigest(
    hashOf('EIP712Domain', types['EIP712Domain'] ?? [], domain),
    hashOf(primaryType, types[primaryType] ?? [], message),
  );
