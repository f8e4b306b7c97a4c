import { chainIdOf, type Address, type Hex } from '../core/account-id.ts';
import {
  addressWord,
  bytes32Word,
  stringWord,
  structHash,
  typedDataDigest,
  uintWord,
  type Word,
} from '../crypto/typed-data.ts';
import type { AgentIntent } from '../intent/agent-intent.ts';
import type { Authorization, Token } from '../settlement/payment.ts';

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
  /** Addresses, hashes and texts as strings; numbers as `bigint`. */
  readonly message: Readonly<Record<string, string | bigint>>;
};

const DOMAIN: readonly TypedField[] = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
];
const CONTRACT_DOMAIN = [...DOMAIN, { name: 'verifyingContract', type: 'address' }];

const AGENT_INTENT: readonly TypedField[] = [
  { name: 'agent', type: 'address' },
  { name: 'audience', type: 'string' },
  { name: 'tool', type: 'string' },
  { name: 'method', type: 'string' },
  { name: 'target', type: 'string' },
  { name: 'contentType', type: 'string' },
  { name: 'payloadDigest', type: 'bytes32' },
  { name: 'payTo', type: 'address' },
  { name: 'asset', type: 'address' },
  { name: 'maxAmount', type: 'uint256' },
  { name: 'validAfter', type: 'uint64' },
  { name: 'validBefore', type: 'uint64' },
  { name: 'nonce', type: 'bytes32' },
  { name: 'authority', type: 'bytes32' },
];

const TRANSFER_WITH_AUTHORIZATION: readonly TypedField[] = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
];

/** What is signed for an unpaid call, or one from credit (design §4.4). */
export const intentTypedData = (intent: AgentIntent, chainId: number): TypedData => ({
  domain: { name: 'Countersign', version: '1', chainId },
  types: { EIP712Domain: DOMAIN, AgentIntent: AGENT_INTENT },
  primaryType: 'AgentIntent',
  message: { ...intent },
});

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

const wordOf = (type: string, value: string | bigint | number): Word => {
  if (type === 'string') return stringWord(String(value));
  if (type === 'address') return addressWord(String(value).toLowerCase() as Address);
  if (type === 'bytes32') return bytes32Word(String(value) as Hex);
  return uintWord(BigInt(value));
};

const hashOf = (
  name: string,
  fields: readonly TypedField[],
  values: Readonly<Record<string, string | bigint | number>>,
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
