import { AGENT_INTENT_TYPE } from '../protocol/intent/agent-intent.ts';
import {
  APPROVAL_TYPE,
  PERMIT2_DOMAIN_TYPE,
  PERMIT_TYPE,
  TOKEN_PERMISSIONS_TYPE,
  WITNESS_TYPE,
} from '../protocol/x402/permit2.ts';

type TypedField = { readonly name: string; readonly type: string };

/** The fields of an EIP-712 type from its `encodeType` text. */
const fieldsOf = (encoded: string): readonly TypedField[] =>
  encoded
    .slice(encoded.indexOf('(') + 1, -1)
    .split(',')
    .map((member) => {
      const [type = '', name = ''] = member.split(' ');
      return { name, type };
    });

const COUNTERSIGN_DOMAIN = 'EIP712Domain(string name,string version,uint256 chainId)';
const TOKEN_DOMAIN =
  'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)';
/** EIP-3009. */
const TRANSFER_TYPE =
  'TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)';

/** The structs of a domain and of a message, by name. */
const tableOf = (
  domain: string,
  ...structs: readonly string[]
): Readonly<Record<string, readonly TypedField[]>> =>
  Object.fromEntries(
    [domain, ...structs].map((type) => [type.slice(0, type.indexOf('(')), fieldsOf(type)]),
  );

const TYPES = {
  AgentIntent: tableOf(COUNTERSIGN_DOMAIN, AGENT_INTENT_TYPE),
  TransferWithAuthorization: tableOf(TOKEN_DOMAIN, TRANSFER_TYPE),
  PermitWitnessTransferFrom: tableOf(
    PERMIT2_DOMAIN_TYPE,
    PERMIT_TYPE,
    TOKEN_PERMISSIONS_TYPE,
    WITNESS_TYPE,
  ),
  Permit: tableOf(TOKEN_DOMAIN, APPROVAL_TYPE),
} as const;

/** A primary type that the signer knows. */
export type KnownType = keyof typeof TYPES;

export const isKnownType = (name: unknown): name is KnownType =>
  typeof name === 'string' && Object.hasOwn(TYPES, name);

/**
 * Whether the types of a request are ours, and no others. The order of members is part of an EIP-712 type, so lists are compared in order.
 * Wallet libraries may leave `EIP712Domain` out.
 */
export const hasOwnTypes = (
  primaryType: KnownType,
  types: Readonly<Record<string, unknown>>,
): boolean => {
  const own: Readonly<Record<string, readonly TypedField[]>> = TYPES[primaryType];
  return (
    Object.entries(types).every(([name, given]) => {
      const fields = Object.hasOwn(own, name) ? own[name] : undefined;
      return fields !== undefined && isSame(given, fields);
    }) && Object.keys(own).every((name) => name === 'EIP712Domain' || Object.hasOwn(types, name))
  );
};

const isSame = (given: unknown, fields: readonly TypedField[]): boolean =>
  Array.isArray(given) &&
  given.length === fields.length &&
  given.every((one: unknown, at) => {
    const field = fields[at];
    return (
      isObject(one) &&
      Object.keys(one).length === 2 &&
      one['name'] === field?.name &&
      one['type'] === field?.type
    );
  });

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
