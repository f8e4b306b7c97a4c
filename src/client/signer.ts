import { type Address, type Hex, isAddress, ZERO_ADDRESS } from '../core/hex.ts';
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
import { chainIdOf } from '../protocol/account-id.ts';
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
import { CountersignError } from './errors.ts';

/** Signs for an agent: a viem `LocalAccount`, the result of `remoteAccount`, or your own object with these two members. */
export type Signer = {
  readonly address: Hex;
  /**
   * Signs EIP-712 typed data. Returns 65 bytes with v 27 or 28, or for a contract account a signature that its contract accepts (ERC-1271).
   * Local accounts ignore `context`.
   */
  signTypedData(data: TypedData, context?: SigningContext): Promise<Hex>;
};

/** The intent of a payment, or of its approval of Permit2. A Countersign signer checks it against its policy before it signs. */
export type SigningContext = {
  /** The intent whose digest is the nonce of the payment. */
  readonly intent: AgentIntent;
};

/** The signer's address in lower case. @throws CountersignError `options_invalid` */
export const addressOf = (signer: Signer): Address => {
  const given: unknown = (signer as Partial<Signer> | undefined)?.address;
  const address = typeof given === 'string' ? given.toLowerCase() : '';
  if (!isAddress(address) || address === ZERO_ADDRESS) {
    throw new CountersignError('options_invalid', 'account.address must be a 20-byte address');
  }
  return address;
};

/** Signs. No request has left the client yet, so the caller can return the amount to its budget. @throws CountersignError `signer_refused`, `signer_failed` */
export const sign = async (
  signer: Signer,
  data: TypedData,
  context?: SigningContext,
): Promise<Hex> => {
  try {
    return await signer.signTypedData(data, context);
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    throw new CountersignError('signer_failed', 'The account did not sign.', { cause });
  }
};

type TypedField = { readonly name: string; readonly type: string };

/** EIP-712 typed data without arrays of structs, in the form of viem and `eth_signTypedData_v4`. */
export type TypedData = {
  readonly domain: {
    readonly name: string;
    /** The domain of Permit2 has none. */
    readonly version?: string;
    readonly chainId: number;
    readonly verifyingContract?: Address;
  };
  readonly types: Readonly<Record<string, readonly TypedField[]>>;
  readonly primaryType: string;
  /** Addresses, hashes and texts as strings; integers as `bigint`, or as `number` up to 32 bits. */
  readonly message: Values;
};

type Value = string | bigint | number | readonly string[] | Values;
type Values = { readonly [field: string]: Value };

const DOMAIN: readonly TypedField[] = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
];
export const CONTRACT_DOMAIN = [...DOMAIN, { name: 'verifyingContract', type: 'address' }];

const TRANSFER_WITH_AUTHORIZATION: readonly TypedField[] = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
];

/** Typed data under the domain of Countersign (docs/wire-format.md §2), from the text of an EIP-712 type. */
export const countersigned = (
  type: string,
  message: TypedData['message'],
  chainId: number,
): TypedData => {
  const [primaryType = ''] = type.split('(');
  return {
    domain: { name: 'Countersign', version: '1', chainId },
    types: { EIP712Domain: DOMAIN, ...structOf(type) },
    primaryType,
    message,
  };
};

/** Parses the text of an EIP-712 struct type. */
export const structOf = (type: string): TypedData['types'] => {
  const [name = '', members = ''] = type.slice(0, -1).split('(');
  const fields = members.split(',').map((member) => {
    const [of = '', field = ''] = member.split(' ');
    return { name: field, type: of };
  });
  return { [name]: fields };
};

/** Builds the typed data that an agent signs for a free call or a call from credit. */
export const intentTypedData = (intent: AgentIntent, chainId: number): TypedData =>
  countersigned(AGENT_INTENT_TYPE, { ...intent }, chainId);

/** Builds the typed data that an issuer signs to grant rights to a delegate (docs/wire-format.md §16). */
export const delegationTypedData = (delegation: AgentDelegation, chainId: number): TypedData =>
  countersigned(AGENT_DELEGATION_TYPE, { ...delegation }, chainId);

/** Builds the typed data that an issuer signs to revoke grants (docs/wire-format.md §16). */
export const revocationTypedData = (revocation: AgentRevocation, chainId: number): TypedData =>
  countersigned(AGENT_REVOCATION_TYPE, { ...revocation }, chainId);

/**
 * Builds the typed data that a payer signs for a payment (EIP-3009). The domain comes from the pinned table of tokens, never from an offer.
 */
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

type Types = TypedData['types'];

/** `encodeType` of EIP-712: the struct, and after it the structs that it refers to, by name. */
const encodedType = (name: string, types: Types): string => {
  const [first = '', ...rest] = [name, ...[...referred(name, types)].toSorted()].map(
    (of) => `${of}(${(types[of] ?? []).map((field) => `${field.type} ${field.name}`).join(',')})`,
  );
  return first + rest.join('');
};

const referred = (name: string, types: Types): ReadonlySet<string> =>
  new Set(
    (types[name] ?? [])
      .map(({ type }) => type)
      .filter((type) => Object.hasOwn(types, type))
      .flatMap((type) => [type, ...referred(type, types)]),
  );

const isList = (value: Value): value is readonly string[] => Array.isArray(value);

const wordOf = (type: string, value: Value, types: Types): Word => {
  if (typeof value === 'object') {
    return isList(value)
      ? arrayWord(value.map((item) => wordOf(type.slice(0, -2), item, types)))
      : hashOf(type, types, value);
  }
  if (type === 'string') return stringWord(String(value));
  if (type === 'address') return addressWord(String(value).toLowerCase() as Address);
  if (type === 'bytes32') return bytes32Word(String(value) as Hex);
  return uintWord(BigInt(value));
};

const hashOf = (name: string, types: Types, values: Values): Word =>
  structHash(
    stringWord(encodedType(name, types)),
    ...(types[name] ?? []).map((field) => wordOf(field.type, values[field.name] ?? '', types)),
  );

/** The EIP-712 digest of typed data. */
export const digestOf = ({ domain, types, primaryType, message }: TypedData): Hex =>
  typedDataDigest(
    hashOf('EIP712Domain', types, domain as Values),
    hashOf(primaryType, types, message),
  );
