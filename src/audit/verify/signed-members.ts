import { ok, type Result } from '../../core/result.ts';
import { sha256Hex } from '../../crypto/bytes.ts';
import {
  type AccountId,
  assetId,
  type AssetId,
  parseAccountId,
  signedAsset,
} from '../../protocol/account-id.ts';
import type { Entry } from '../../protocol/entry.ts';
import { requestEncoding } from '../../protocol/intent/binding.ts';
import type { IntentProof, PaymentProof } from '../evidence-schema.ts';
import { type EvidenceFault, fault } from './signed-evidence.ts';

/** The members of an accepted or denied call's proof that repeat signed values. */
type SignedProof =
  | Pick<PaymentProof, 'proof' | 'audience' | 'token' | 'authorization' | 'intent'>
  | Pick<IntentProof, 'proof' | 'audience' | 'intent'>;

/**
 * Checks that the entry of a call states what its caller signed (docs/audit-format.md, "Signatures"): an operator that writes its chain anew
 * can change every other member, but not these.
 */
export const checkSignedMembers = (
  entry: Entry,
  proof: SignedProof,
): Result<undefined, EvidenceFault> => {
  const { account, tool, request, binding, payment } = entry;
  const { intent } = proof;
  const price = BigInt(entry.amounts?.['price'] ?? '0');
  // An amount in another asset than the signed one would count in the wrong limits.
  if (price > 0n && payment?.['asset'] !== signedAssetOf(account, proof)) {
    return fault('payment.asset', 'mismatch');
  }
  const payTo = signedPayee(proof, price);
  if (payTo !== undefined && payment?.['payTo'] !== payTo) {
    return fault('payment.payTo', 'mismatch');
  }
  if (intent !== undefined && price > intent.maxAmount) {
    return fault('amounts.price', 'mismatch');
  }
  if (binding !== (intent === undefined ? 'none' : 'intent')) return fault('binding', 'mismatch');
  if (intent === undefined) return ok(undefined);
  if (intent.audience !== proof.audience) return fault('evidence.audience', 'mismatch');
  if (intent.tool !== tool) return fault('tool', 'mismatch');
  // Synchronous: each promise of WebCrypto costs more than the hash.
  return sha256Hex(requestEncoding(intent)) === request
    ? ok(undefined)
    : fault('request', 'mismatch');
};

/** The payee that the payer signed for; undefined if nothing is paid: a free call signs none. */
const signedPayee = (proof: SignedProof, price: bigint): string | undefined => {
  if (proof.proof === 'x402') return proof.authorization.to;
  return price > 0n ? proof.intent.payTo : undefined;
};

/** The asset that the proof of a call signs for. */
const signedAssetOf = (account: AccountId, proof: SignedProof): AssetId | undefined => {
  const on = parseAccountId(account)?.network;
  if (on === undefined) return undefined;
  return proof.proof === 'x402'
    ? assetId(on, proof.token.address)
    : signedAsset(on, proof.intent.asset);
};
