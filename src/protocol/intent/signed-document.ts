import * as z from 'zod/mini';
import type { Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { parseStrictJson } from '../strict-json.ts';
import { schemaFault, type WireFault } from '../fault.ts';
import { decodeUtf8 } from '../../crypto/bytes.ts';
import { signature } from '../wire-fields.ts';
import {
  type AgentDelegation,
  agentDelegationSchema,
  type DelegationFields,
  delegationFields,
} from './agent-delegation.ts';
import {
  type AgentRevocation,
  agentRevocationSchema,
  revocationFields,
} from './agent-revocation.ts';
import { chainId } from './domain.ts';

/** A document that its issuer signed under the domain of a chain. Any caller may deliver it: the signature alone authorizes it. */
type Signed = { readonly chainId: number; readonly signature: Hex };
export type SignedDelegation = Signed & { readonly delegation: AgentDelegation };
export type SignedRevocation = Signed & { readonly revocation: AgentRevocation };

/** The members that the bodies of `PUT /delegations` and `POST /revocations` share. */
type Body = { readonly v: 1; readonly chainId: string; readonly signature: Hex };
export type DelegationBody = Body & { readonly delegation: DelegationFields };
export type RevocationBody = Body & {
  readonly revocation: Readonly<Record<keyof AgentRevocation, string>>;
};

const v = z.literal(1, 'must be 1');

const delegationBody = z.strictObject(
  { v, chainId, delegation: agentDelegationSchema, signature },
  'must be an object {v, chainId, delegation, signature}',
);
const revocationBody = z.strictObject(
  { v, chainId, revocation: agentRevocationSchema, signature },
  'must be an object {v, chainId, revocation, signature}',
);

/** Why a body is malformed. `field` is a path such as `body.delegation.tools.3`. */
export type DocumentFault =
  | WireFault
  | { readonly reason: 'malformed_request'; readonly field: 'body'; readonly hint: string };

const read = <T>(
  schema: z.ZodMiniType<T>,
  body: Uint8Array | undefined,
): Result<T, DocumentFault> => {
  const text = body === undefined ? undefined : decodeUtf8(body);
  const json = text === undefined ? undefined : parseStrictJson(text);
  if (json?.ok !== true) {
    return err({
      reason: 'malformed_request',
      field: 'body',
      hint: 'must be JSON in UTF-8 with unique keys',
    });
  }
  const parsed = schema.safeParse(json.value);
  return parsed.success
    ? ok(parsed.data)
    : err(schemaFault('body', parsed.error.issues, { v: 'unsupported_version' }));
};

/** Reads the body of `PUT /delegations`. Checks the form only: not the signature, the validity window or the audience. */
export const readDelegation = (
  body: Uint8Array | undefined,
): Result<SignedDelegation, DocumentFault> => {
  const parsed = read(delegationBody, body);
  if (!parsed.ok) return parsed;
  const { v: _, ...signed } = parsed.value;
  return ok(signed);
};

/** Reads the body of `POST /revocations`. Checks the form only. */
export const readRevocation = (
  body: Uint8Array | undefined,
): Result<SignedRevocation, DocumentFault> => {
  const parsed = read(revocationBody, body);
  if (!parsed.ok) return parsed;
  const { v: _, ...signed } = parsed.value;
  return ok(signed);
};

/** Writes the body of `PUT /delegations`. */
export const delegationBodyOf = (signed: SignedDelegation): DelegationBody => ({
  v: 1,
  chainId: String(signed.chainId),
  delegation: delegationFields(signed.delegation),
  signature: signed.signature,
});

/** Writes the body of `POST /revocations`. */
export const revocationBodyOf = (signed: SignedRevocation): RevocationBody => ({
  v: 1,
  chainId: String(signed.chainId),
  revocation: revocationFields(signed.revocation),
  signature: signed.signature,
});
