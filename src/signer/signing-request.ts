import type { Address, Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { schemaFault } from '../protocol/fault.ts';
import {
  type AgentIntent,
  agentIntentSchema,
  intentDigest,
} from '../protocol/intent/agent-intent.ts';
import type { Authorization, Token } from '../protocol/payment.ts';
import { address } from '../protocol/wire-fields.ts';
import { transferWithAuthorizationDigest } from '../protocol/x402/authorization.ts';
import { readTypedData, type TypedDataFault } from './typed-data.ts';

/**
 * A request for one signature, rebuilt from parsed fields. `digest` is the digest to sign. `spend` is the digest of the intent: the nonce
 * of a payment and the id of its call, so an intent and its payment are one spend.
 */
export type SigningRequest = {
  /** The address that the caller asks for. */
  readonly address: Address;
  readonly chainId: number;
  readonly intent: AgentIntent;
  readonly spend: Hex;
  readonly digest: Hex;
} & (
  | { readonly kind: 'intent' }
  | { readonly kind: 'payment'; readonly token: Token; readonly authorization: Authorization }
);

/** Reads the parameters of `eth_signTypedData_v4`: `[address, typedData]`, and `{ intent }` for a payment. Checks no policy. */
export const readSigningRequest = (
  params: readonly unknown[],
): Result<SigningRequest, TypedDataFault> => {
  const of = address.safeParse(params[0]);
  if (!of.success) return malformed('params[0]', of.error.issues[0]?.message ?? '');
  const read = readTypedData(params[1]);
  if (!read.ok) return read;
  const data = read.value;
  if (data.kind === 'intent') {
    if (params.length !== 2) return malformed('params[2]', 'must be absent for an intent');
    const digest = intentDigest(data.intent, data.chainId);
    return ok({ address: of.data, ...data, spend: digest, digest });
  }
  const intent = readIntentParameter(params[2]);
  if (!intent.ok) return intent;
  const { chainId, token, authorization } = data;
  return ok({
    kind: 'payment',
    address: of.data,
    chainId,
    token,
    authorization,
    intent: intent.value,
    spend: intentDigest(intent.value, chainId),
    digest: transferWithAuthorizationDigest(token, authorization),
  });
};

const readIntentParameter = (value: unknown): Result<AgentIntent, TypedDataFault> => {
  const members = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  if (members.length !== 1 || members[0] !== 'intent') {
    return malformed(
      'params[2]',
      'must be {intent}: the signer signs a payment only with the intent that it is bound to',
    );
  }
  const intent = agentIntentSchema.safeParse(Reflect.get(value as object, 'intent'));
  if (intent.success) return ok(intent.data);
  const { field, hint } = schemaFault('params[2].intent', intent.error.issues, {});
  return malformed(field, hint);
};

const malformed = (field: string, hint: string): Result<never, TypedDataFault> =>
  err({ fault: 'malformed', field, hint });
