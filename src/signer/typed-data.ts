import * as z from 'zod/mini';
import { err, ok, type Result } from '../core/result.ts';
import { network } from '../protocol/account-id.ts';
import { schemaFault } from '../protocol/fault.ts';
import {
  AGENT_INTENT_TYPE,
  type AgentIntent,
  agentIntentSchema,
} from '../protocol/intent/agent-intent.ts';
import { chainId } from '../protocol/intent/domain.ts';
import type { Authorization, Token } from '../protocol/payment.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import { address } from '../protocol/wire-fields.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import { authorizationSchema } from '../protocol/x402/payload-schema.ts';

/**
 * Typed data of a kind that the signer knows. Only these fields are hashed, with our own type tables, never with the types in the request.
 */
export type ReadTypedData =
  | { readonly kind: 'intent'; readonly chainId: number; readonly intent: AgentIntent }
  | {
      readonly kind: 'authorization';
      readonly chainId: number;
      readonly token: Token;
      readonly authorization: Authorization;
    };

/** Why typed data is not read. `rule` names a kind that the signer never signs; `field` names a malformed member. */
export type TypedDataFault =
  | { readonly fault: 'unsupported'; readonly rule: UnsupportedRule; readonly hint: string }
  | { readonly fault: 'malformed'; readonly field: string; readonly hint: string };

export type UnsupportedRule = 'permit' | 'grant' | 'primary_type' | 'domain' | 'chain' | 'types';

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

const TYPES = {
  AgentIntent: { own: fieldsOf(AGENT_INTENT_TYPE), domain: fieldsOf(COUNTERSIGN_DOMAIN) },
  TransferWithAuthorization: { own: fieldsOf(TRANSFER_TYPE), domain: fieldsOf(TOKEN_DOMAIN) },
} as const;
type KnownType = keyof typeof TYPES;

/** Names of allowances in wallets (EIP-2612, Permit2, DAI): prompt injections ask for these first. */
const PERMIT = /^permit/i;
const GRANTS = new Set(['AgentDelegation', 'AgentRevocation']);

const unsupported = (rule: UnsupportedRule, hint: string): Result<never, TypedDataFault> =>
  err({ fault: 'unsupported', rule, hint });
const malformed = (field: string, hint: string): Result<never, TypedDataFault> =>
  err({ fault: 'malformed', field, hint });

const isKnown = (name: unknown): name is KnownType =>
  typeof name === 'string' && Object.hasOwn(TYPES, name);

const typedDataSchema = z.strictObject({
  domain: z.record(z.string(), z.unknown()),
  types: z.record(z.string(), z.unknown()),
  primaryType: z.string(),
  message: z.record(z.string(), z.unknown()),
});

/**
 * Reads typed data: the JSON object of EIP-712, or its text. Default deny: another type, domain, chain or token, a type table that differs
 * from ours in one letter, an unknown member, a number in another spelling than decimal and an address with a bad checksum are refused.
 */
export const readTypedData = (value: unknown): Result<ReadTypedData, TypedDataFault> => {
  const json = typeof value === 'string' ? parseStrictJson(value) : ok(value);
  if (!json.ok)
    return malformed('typedData', 'must be strict JSON: unique keys, at most 16 levels');
  const primaryType: unknown = isObject(json.value) ? json.value['primaryType'] : undefined;
  if (!isKnown(primaryType)) return refuseType(primaryType);
  const whole = typedDataSchema.safeParse(json.value);
  if (!whole.success) return faultIn('typedData', whole.error.issues);
  const { domain, types, message } = whole.data;
  if (!hasOwnTypes(primaryType, types)) {
    return unsupported(
      'types',
      `must be the types of ${primaryType} and its domain, and no others`,
    );
  }
  return primaryType === 'AgentIntent'
    ? readIntent(domain, message)
    : readTransfer(domain, message);
};

const refuseType = (name: unknown): Result<never, TypedDataFault> => {
  if (typeof name !== 'string') return malformed('typedData.primaryType', 'must be text');
  if (PERMIT.test(name)) {
    return unsupported(
      'permit',
      'The signer never signs an allowance: its holder could take any amount.',
    );
  }
  return GRANTS.has(name)
    ? unsupported('grant', 'Only the owner grants and revokes rights, with a key of its own.')
    : unsupported(
        'primary_type',
        'The signer signs AgentIntent and TransferWithAuthorization only.',
      );
};

const countersignDomain = z.strictObject({
  name: z.literal('Countersign', 'must be "Countersign"'),
  version: z.literal('1', 'must be "1"'),
  chainId,
});

const readIntent = (domain: unknown, message: unknown): Result<ReadTypedData, TypedDataFault> => {
  const on = countersignDomain.safeParse(domain);
  if (!on.success)
    return unsupported('domain', 'must be the domain of Countersign: name, version "1", chainId');
  const intent = agentIntentSchema.safeParse(message);
  if (!intent.success) return faultIn('typedData.message', intent.error.issues);
  return ok({ kind: 'intent', chainId: on.data.chainId, intent: intent.data });
};

const tokenDomain = z.strictObject({
  name: z.string(),
  version: z.string(),
  chainId,
  verifyingContract: address,
});

const readTransfer = (domain: unknown, message: unknown): Result<ReadTypedData, TypedDataFault> => {
  const on = tokenDomain.safeParse(domain);
  if (!on.success)
    return unsupported(
      'domain',
      'must be the domain of a token: name, version, chainId, verifyingContract',
    );
  const token = tokenOf(network(on.data.chainId));
  if (token === undefined) return unsupported('chain', 'must be a chain with a pinned token');
  const { name, version, verifyingContract } = on.data;
  if (verifyingContract !== token.address || name !== token.name || version !== token.version) {
    return unsupported(
      'domain',
      `must be the pinned token of the chain: ${token.name}, version ${token.version}, ${token.address}`,
    );
  }
  const authorization = authorizationSchema.safeParse(message);
  return authorization.success
    ? ok({
        kind: 'authorization',
        chainId: on.data.chainId,
        token,
        authorization: authorization.data,
      })
    : faultIn('typedData.message', authorization.error.issues);
};

/** The order of members is part of an EIP-712 type, so lists are compared in order. Wallet libraries may leave `EIP712Domain` out. */
const hasOwnTypes = (primaryType: KnownType, types: Readonly<Record<string, unknown>>): boolean => {
  const { own, domain } = TYPES[primaryType];
  return (
    Object.entries(types).every(([name, given]) =>
      name === primaryType ? isSame(given, own) : name === 'EIP712Domain' && isSame(given, domain),
    ) && Object.hasOwn(types, primaryType)
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

const faultIn = (
  root: string,
  issues: readonly z.core.$ZodIssue[],
): Result<never, TypedDataFault> => {
  const { field, hint } = schemaFault(root, issues, {});
  return malformed(field, hint);
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
