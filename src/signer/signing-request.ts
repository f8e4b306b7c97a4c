import type { Address, Hex } from '../core/hex.ts';
import { ok, type Result } from '../core/result.ts';
import {
  type AgentIntent,
  agentIntentSchema,
  intentDigest,
} from '../protocol/intent/agent-intent.ts';
import type { Authorization, Permit, Token } from '../protocol/payment.ts';
import { address } from '../protocol/wire-fields.ts';
import { transferWithAuthorizationDigest } from '../protocol/x402/authorization.ts';
import { approvalDigest, permitDigest } from '../protocol/x402/permit.ts';
import type { AllowanceTerms } from './permit-data.ts';
import { readTypedData } from './typed-data.ts';
import { faultIn, malformed, type TypedDataFault } from './typed-data-fault.ts';

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
  | {
      readonly kind: 'payment';
      readonly token: Token;
      readonly authorization: Authorization;
      /** Set for a Permit2 permit of the scheme `upto`. */
      readonly permit?: Permit;
    }
  /** Lets Permit2 transfer the maximum of a payment by `upto` (EIP-2612). */
  | { readonly kind: 'approval'; readonly token: Token; readonly approval: AllowanceTerms }
);

/** Reads the parameters of `eth_signTypedData_v4`: `[address, typedData]`, and `{ intent }` for a payment or its approval. Checks no policy. */
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
  const { chainId, token } = data;
  const common = {
    ...{ address: of.data, chainId, token, intent: intent.value },
    spend: intentDigest(intent.value, chainId),
  };
  switch (data.kind) {
    case 'authorization': {
      const { authorization } = data;
      const digest = transferWithAuthorizationDigest(token, authorization);
      return ok({ ...common, kind: 'payment', authorization, digest });
    }
    case 'permit': {
      const authorization = { ...data.authorization, from: of.data };
      const permit = { facilitator: data.facilitator };
      const digest = permitDigest(token, authorization, permit);
      return ok({ ...common, kind: 'payment', authorization, permit, digest });
    }
    case 'approval': {
      const { approval } = data;
      const { owner, value, nonce, deadline } = approval;
      const times = { nonce: nonce.toString(), deadline: deadline.toString() };
      const digest = approvalDigest(token, { from: owner, value }, times);
      return ok({ ...common, kind: 'approval', approval, digest });
    }
  }
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
  return intent.success ? ok(intent.data) : faultIn('params[2].intent', intent.error.issues);
};
