import type * as z from 'zod/mini';
import { type AccountId, chainIdOf, parseAccountId } from '../../protocol/account-id.ts';
import type { Address, Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { transferWithAuthorizationDigest } from '../../protocol/x402/authorization.ts';
import { permitDigest } from '../../protocol/x402/permit.ts';
import type { SignatureFault } from '../../crypto/signature-shape.ts';
import { verifyStrict } from '../../crypto/verifier.ts';
import { delegationDigest } from '../../protocol/intent/agent-delegation.ts';
import { intentDigest } from '../../protocol/intent/agent-intent.ts';
import { revocationDigest } from '../../protocol/intent/agent-revocation.ts';
import { bindingMarkOf } from '../../protocol/intent/binding.ts';
import { tokenOf } from '../../protocol/x402/networks.ts';
import type { Entry } from '../../protocol/entry.ts';
import {
  grantSchema,
  type IntentProof,
  intentProofSchema,
  type PaymentProof,
  paymentProofSchema,
  revocationSchema,
} from '../evidence-schema.ts';

/** Why a signature of an entry is rejected. `field`: the member of the entry. */
export type EvidenceFault = {
  readonly field: string;
  readonly reason:
    | SignatureFault['reason']
    | 'missing'
    | 'malformed'
    | 'mismatch'
    | 'unexpected'
    | 'repeated';
};

/** `block`: the account's contract accepted the signature there (ERC-1271), which only the state of the chain can prove. */
export type Recomputed = { readonly block: number | undefined };

type Checking<T> = Result<T, EvidenceFault>;

export const fault = (
  field: string,
  reason: EvidenceFault['reason'],
): Result<never, EvidenceFault> => err({ field, reason });

/** Parses evidence. The fault names the first malformed member. */
export const readAs = <S extends z.ZodMiniType>(
  schema: S,
  evidence: unknown,
  field = 'evidence',
): Checking<z.output<S>> => {
  const parsed = schema.safeParse(evidence);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys : [];
  const path = [field, ...(issue?.path ?? []), ...unknown].join('.');
  return fault(path, valueAt(evidence, issue?.path ?? []) === undefined ? 'missing' : 'malformed');
};

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null
        ? (inner as Readonly<Record<PropertyKey, unknown>>)[key]
        : undefined,
    value,
  );

/** Recomputes one signature. A contract's signature is counted, not recomputed. */
export const recompute = (
  signer: Address,
  digest: Hex,
  signature: Hex,
  block: number | undefined,
  field: string,
): Checking<Recomputed> => {
  if (block !== undefined) return ok({ block });
  const verified = verifyStrict(signer, digest, signature);
  return verified.ok ? ok({ block: undefined }) : fault(field, verified.error.reason);
};

/** The address of an account, and its chain, which is in the EIP-712 domain of its signatures. */
export const partsOf = (
  account: AccountId,
): { readonly chainId: number; readonly address: Address } => {
  const parsed = parseAccountId(account);
  return {
    chainId: chainIdOf(parsed?.network ?? '') ?? 0,
    address: parsed?.address ?? '0x0000000000000000000000000000000000000000',
  };
};

/** The proof that a call was accepted with. The signature of a payment is revealed later. */
export type LoggedProof = PaymentProof | IntentProof;

/** Checks the proof of a call: its signer, its call id and its binding. */
export const checkProof = (
  account: AccountId,
  call: Hex | undefined,
  evidence: unknown,
  field = 'evidence',
): Checking<{ readonly proof: LoggedProof; readonly recomputed: Recomputed | undefined }> => {
  const kind = valueAt(evidence, ['proof']);
  if (kind === 'x402') {
    const read = readAs(paymentProofSchema, evidence, field);
    if (!read.ok) return read;
    const checked = checkPayment(account, call, read.value, field);
    return checked.ok ? ok({ proof: read.value, recomputed: checked.value }) : checked;
  }
  const read = readAs(intentProofSchema, evidence, field);
  if (!read.ok) return read;
  const { intent, intentSignature, contractCheckedAt } = read.value;
  const { chainId, address } = partsOf(account);
  if (intent.agent !== address) return fault(`${field}.intent.agent`, 'mismatch');
  const digest = intentDigest(intent, chainId);
  if (call !== undefined && digest !== call) return fault(`${field}.intent`, 'mismatch');
  const name = `${field}.intentSignature`;
  const checked = recompute(address, digest, intentSignature, contractCheckedAt, name);
  return checked.ok ? ok({ proof: read.value, recomputed: checked.value }) : checked;
};

/** Checks the binding: the nonce is the intent's digest, and `validAfter` marks it under the same signature (docs/wire-format.md §6). */
export const checkPayment = (
  account: AccountId,
  call: Hex | undefined,
  { token, authorization, intent, contractCheckedAt }: PaymentProof,
  field: string,
): Checking<Recomputed | undefined> => {
  const { chainId, address } = partsOf(account);
  const pinned = tokenOf(`eip155:${chainId}`);
  const isPinned =
    pinned !== undefined &&
    (['network', 'address', 'name', 'version'] as const).every(
      (each) => token[each] === pinned[each],
    );
  if (!isPinned) return fault(`${field}.token`, 'mismatch');
  if (authorization.from !== address) return fault(`${field}.authorization.from`, 'mismatch');
  if (call !== undefined && authorization.nonce !== call) {
    return fault(`${field}.authorization.nonce`, 'mismatch');
  }
  const mark = bindingMarkOf(authorization.validAfter);
  if ((mark === 'eip3009-nonce') !== (intent !== undefined) || mark === 'unknown') {
    return fault(`${field}.authorization.validAfter`, 'mismatch');
  }
  if (intent !== undefined) {
    if (intent.agent !== address) return fault(`${field}.intent.agent`, 'mismatch');
    if (intentDigest(intent, chainId) !== authorization.nonce) {
      return fault(`${field}.intent`, 'mismatch');
    }
  }
  return ok(contractCheckedAt === undefined ? undefined : { block: contractCheckedAt });
};

/** Recomputes the revealed signature of a payment: of EIP-3009, or of a Permit2 permit. */
export const checkReveal = (
  { token, authorization, facilitator, contractCheckedAt }: PaymentProof,
  signature: Hex,
  field: string,
): Checking<Recomputed> => {
  const pinned = tokenOf(token.network as `eip155:${number}`);
  if (pinned === undefined) return fault(field, 'mismatch');
  const digest =
    facilitator === undefined
      ? transferWithAuthorizationDigest(pinned, authorization)
      : permitDigest(pinned, authorization, { facilitator });
  return recompute(authorization.from, digest, signature, contractCheckedAt, field);
};

/** Checks a grant in the log of its issuer or its delegate. */
export const checkGrant = ({ account, evidence }: Entry): Checking<Recomputed> => {
  const read = readAs(grantSchema, evidence);
  if (!read.ok) return read;
  const { grant, delegation, signature, contractCheckedAt } = read.value;
  const { chainId, address } = partsOf(account);
  if (delegationDigest(delegation, chainId) !== grant) return fault('evidence.grant', 'mismatch');
  if (address !== delegation.issuer && address !== delegation.delegate) {
    return fault('evidence.delegation', 'mismatch');
  }
  return recompute(delegation.issuer, grant, signature, contractCheckedAt, 'evidence.signature');
};

/** Checks a revocation in the log of its signer. */
export const checkRevocation = ({ account, evidence }: Entry): Checking<Recomputed> => {
  const read = readAs(revocationSchema, evidence);
  if (!read.ok) return read;
  const { hash, revocation, signature, contractCheckedAt } = read.value;
  const { chainId, address } = partsOf(account);
  if (revocationDigest(revocation, chainId) !== hash) return fault('evidence.hash', 'mismatch');
  if (address !== revocation.issuer) return fault('evidence.revocation.issuer', 'mismatch');
  return recompute(address, hash, signature, contractCheckedAt, 'evidence.signature');
};
