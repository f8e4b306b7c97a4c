import type * as z from 'zod/mini';
import type { Address, Hex } from '../core/hex.ts';
import { schemaFault } from '../protocol/fault.ts';
import {
  type AgentDelegation,
  agentDelegationSchema,
  delegationDigest,
  delegationFields,
} from '../protocol/intent/agent-delegation.ts';
import {
  type AgentRevocation,
  agentRevocationSchema,
  revocationFields,
} from '../protocol/intent/agent-revocation.ts';
import {
  type DelegationBody,
  delegationBodyOf,
  type RevocationBody,
  revocationBodyOf,
} from '../protocol/intent/signed-document.ts';
import { CountersignError } from './errors.ts';
import {
  addressOf,
  delegationTypedData,
  revocationTypedData,
  sign,
  type Signer,
} from './signer.ts';

export type { AgentDelegation, AgentRevocation, DelegationBody, RevocationBody };

/**
 * Signs a grant as its issuer. Amounts in atomic units, times in Unix seconds. A wallet shows every field to the person who signs.
 *
 * @returns the JSON body of `PUT <gateway>/delegations`
 * @throws CountersignError `options_invalid`, which names the field; `signer_failed`
 */
export const signDelegation = async (
  account: Signer,
  chainId: number,
  delegation: AgentDelegation,
): Promise<DelegationBody> => {
  const own = requireIssuer(account, chainId, delegationOf(delegation));
  const signature = await sign(account, delegationTypedData(own, chainId));
  return delegationBodyOf({ chainId, delegation: own, signature });
};

/**
 * Signs a revocation as its issuer: of the grant with `id`, or with `id` zero, of all grants below `epoch`.
 *
 * @returns the JSON body of `POST <gateway>/revocations`
 * @throws CountersignError `options_invalid`, which names the field; `signer_failed`
 */
export const signRevocation = async (
  account: Signer,
  chainId: number,
  revocation: AgentRevocation,
): Promise<RevocationBody> => {
  const read = validated('revocation', agentRevocationSchema, revocationFields(revocation));
  const own = requireIssuer(account, chainId, read);
  const signature = await sign(account, revocationTypedData(own, chainId));
  return revocationBodyOf({ chainId, revocation: own, signature });
};

/**
 * Hashes a grant (EIP-712 digest). The hash names the grant in `AgentOptions.authority` and in the `parent` of its child grants.
 *
 * @throws CountersignError `options_invalid`, which names the field
 */
export const hashDelegation = (chainId: number, delegation: AgentDelegation): Hex =>
  delegationDigest(delegationOf(delegation), chainId);

/** Validates a grant as the gateway does, and converts addresses to lower case. The client signs no grant that a gateway rejects. */
const delegationOf = (delegation: AgentDelegation): AgentDelegation =>
  validated('delegation', agentDelegationSchema, delegationFields(delegation));

const validated = <T>(name: string, schema: z.ZodMiniType<T>, fields: unknown): T => {
  const parsed = schema.safeParse(fields);
  if (parsed.success) return parsed.data;
  const { field, hint } = schemaFault(name, parsed.error.issues, {});
  throw invalid(`${field} ${hint}`);
};

const requireIssuer = <T extends { readonly issuer: Address }>(
  account: Signer,
  chainId: number,
  document: T,
): T => {
  if (!Number.isSafeInteger(chainId) || chainId < 1) throw invalid('chainId must be a chain id');
  if (document.issuer !== addressOf(account))
    throw invalid('issuer must be the account that signs');
  return document;
};

const invalid = (text: string): CountersignError => new CountersignError('options_invalid', text);
