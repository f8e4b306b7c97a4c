import * as z from 'zod/mini';
import { ok, type Result } from '../core/result.ts';
import { network } from '../protocol/account-id.ts';
import { type AgentIntent, agentIntentSchema } from '../protocol/intent/agent-intent.ts';
import { chainId } from '../protocol/intent/domain.ts';
import type { Authorization, Token } from '../protocol/payment.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import { address } from '../protocol/wire-fields.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import { authorizationSchema } from '../protocol/x402/payload-schema.ts';
import { type ApprovalData, type PermitData, readApproval, readPermit } from './permit-data.ts';
import { faultIn, malformed, type TypedDataFault, unsupported } from './typed-data-fault.ts';
import { hasOwnTypes, isKnownType, isObject } from './typed-data-types.ts';

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
    }
  | PermitData
  | ApprovalData;

/** Names of allowances in wallets (EIP-2612, Permit2, DAI): prompt injections ask for these first. */
const PERMIT = /^permit/i;
const GRANTS = new Set(['AgentDelegation', 'AgentRevocation']);

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
  if (!isKnownType(primaryType)) return refuseType(primaryType);
  const whole = typedDataSchema.safeParse(json.value);
  if (!whole.success) return faultIn('typedData', whole.error.issues);
  const { domain, types, message } = whole.data;
  if (!hasOwnTypes(primaryType, types)) {
    return unsupported(
      PERMIT.test(primaryType) ? 'permit' : 'types',
      `must be the types of ${primaryType} and its domain, and no others`,
    );
  }
  if (primaryType === 'AgentIntent') return readIntent(domain, message);
  return primaryType === 'PermitWitnessTransferFrom'
    ? readPermit(domain, message)
    : readOfToken(primaryType, domain, message);
};

const refuseType = (name: unknown): Result<never, TypedDataFault> => {
  if (typeof name !== 'string') return malformed('typedData.primaryType', 'must be text');
  if (PERMIT.test(name)) {
    return unsupported(
      'permit',
      'The signer signs no allowance except the permit of a payment by upto: the holder of any other could take any amount.',
    );
  }
  return GRANTS.has(name)
    ? unsupported('grant', 'Only the owner grants and revokes rights, with a key of its own.')
    : unsupported(
        'primary_type',
        'The signer signs AgentIntent, TransferWithAuthorization and the permits of the scheme upto only.',
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

const readOfToken = (
  primaryType: 'TransferWithAuthorization' | 'Permit',
  domain: unknown,
  message: unknown,
): Result<ReadTypedData, TypedDataFault> => {
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
  if (primaryType === 'Permit') return readApproval(on.data.chainId, token, message);
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
