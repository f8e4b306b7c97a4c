import type { AccountId } from '../account-id.ts';
import type { Hex } from '../../core/hex.ts';
import { utf8 } from '../../crypto/bytes.ts';
import { sha256Hex } from '../../crypto/digest.ts';

/**
 * What is kept of a `payment-identifier`: SHA-256 of a prefix, the payer's account and the identifier. The text itself is never kept.
 *
 * The account stands where a call id could stand, because x402 makes one identifier of one payer one operation, whatever signature
 * comes with it: the digest must be the same for two signatures, and different for two payers.
 */
export const identifierDigest = (payer: AccountId, identifier: string): Hex =>
  sha256Hex(utf8(`countersign-identifier/1\n${payer}\n${identifier}`));
