import type * as z from 'zod/mini';
import { type AccountId, chainIdOf, parseAccountId } from '../protocol/account-id.ts';
import { type Address, type Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { transferWithAuthorizationDigest } from '../protocol/x402/transfer-digest.ts';
import type { SignatureFault } from '../crypto/signature-shape.ts';
import { verifyStrict } from '../crypto/verifier.ts';
import { delegationDigest } from '../protocol/intent/agent-delegation.ts';
import { intentDigest } from '../protocol/intent/agent-intent.ts';
import { revocationDigest } from '../protocol/intent/agent-revocation.ts';
import { bindingMarkOf } from '../protocol/intent/binding.ts';
import { tokenOf } from '../protocol/x402/tokens.ts';
import type { Entry } from '../protocol/entry.ts';
import {
  grantSchema,
  type IntentProof,
  intentProofSchema,
  orderSchema,
  type PaymentProof,
  paymentProofSchema,
  revocationSchema,
} from './evidence-schema.ts';

/** Why the signatures of an entry do not hold. `field`: the member of the entry that is wrong. */
export type EvidenceFault = {
  readonly field: string;
  readonly reason: SignatureFault['reason'] | 'missing' | 'malformed' | 'mismatch' | 'unexpected';
};

/** `block`: the account's contract vouched for it there (ERC-1271), which nobody can recompute without the chain's state. */
export type Recomputed = { readonly block: number | undefined };

type Checking<T> = Result<T, EvidenceFault>;

export const fault = (
  field: string,
  reason: EvidenceFault['reason'],
): Result<never, EvidenceFault> => err({ field, reason });

/** Reads evidence of one form. The fault names the member that is not what it must be. */
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

/** Recomputes one signature, or takes the contract's word for it. */
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

/** The chain of an account, which the domains of its signatures name, and its address. */
const partsOf = (account: AccountId): { readonly chainId: number; readonly address: Address } => {
  const parsed = parseAccountId(account);
  return {
    chainId: chainIdOf(parsed?.network ?? '') ?? 0,
    address: parsed?.address ?? '0x0000000000000000000000000000000000000000',
  };
};

/** What a call was accepted for. A payment is still to be revealed. */
export type Proof = PaymentProof | IntentProof;

/** Checks the proof of an account's call: who signed, for which call id, in which form of binding. */
export const checkProof = (
  account: AccountId,
  call: Hex | undefined,
  evidence: unknown,
  field = 'evidence',
): Checking<{ readonly proof: Proof; readonly recomputed: Recomputed | undefined }> => {
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

/** The binding: the nonce is the intent's digest, and `validAfter` says so under the same signature. */
const checkPayment = (
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

/** Recomputes the token signature of a payment, once the log has it. */
export const checkReveal = (
  { token, authorization, contractCheckedAt }: PaymentProof,
  signature: Hex,
  field: string,
): Checking<Recomputed> => {
  const pinned = tokenOf(token.network as `eip155:${number}`);
  if (pinned === undefined) return fault(field, 'mismatch');
  const digest = transferWithAuthorizationDigest(pinned, authorization);
  return recompute(authorization.from, digest, signature, contractCheckedAt, field);
};

/** A grant, in the log of its issuer or of its delegate. */
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

/** A revocation, in the log of whoever signed it. */
export const checkRevocation = ({ account, evidence }: Entry): Checking<Recomputed> => {
  const read = readAs(revocationSchema, evidence);
  if (!read.ok) return read;
  const { hash, revocation, signature, contractCheckedAt } = read.value;
  const { chainId, address } = partsOf(account);
  if (revocationDigest(revocation, chainId) !== hash) return fault('evidence.hash', 'mismatch');
  if (address !== revocation.issuer) return fault('evidence.revocation.issuer', 'mismatch');
  return recompute(address, hash, signature, contractCheckedAt, 'evidence.signature');
};

/** An order of an operator, or of an account above: its intent is signed on the chain of `by`. */
export const checkOrder = ({ evidence }: Entry): Checking<Recomputed> => {
  const read = readAs(orderSchema, evidence);
  if (!read.ok) return read;
  const { order, signature, by, contractCheckedAt } = read.value;
  const { chainId, address } = partsOf(by);
  if (order.agent !== address) return fault('evidence.order.agent', 'mismatch');
  const digest = intentDigest(order, chainId);
  return recompute(address, digest, signature, contractCheckedAt, 'evidence.signature');
};
