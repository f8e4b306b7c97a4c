import * as z from 'zod/mini';
import { type AccountId, parseAccountId } from '../protocol/account-id.ts';
import {
  address,
  bytes32,
  printable,
  readingText,
  signature,
  uint256,
} from '../protocol/wire-fields.ts';
import { agentDelegationSchema } from '../protocol/intent/agent-delegation.ts';
import { agentIntentSchema } from '../protocol/intent/agent-intent.ts';
import { agentRevocationSchema } from '../protocol/intent/agent-revocation.ts';

/** What entries keep of signatures (docs/wire-format.md, "Audit log"). Exported logs are external bytes: every member is checked. */

/** A block at which an account's own contract accepted a signature (ERC-1271). */
const block = z.exactOptional(z.int().check(z.nonnegative()));

const account = readingText<AccountId>('must be a CAIP-10 account', (text) =>
  parseAccountId(text) === undefined ? undefined : (text as AccountId),
);

const token = z.strictObject({
  network: z.string(),
  address,
  name: z.string(),
  version: z.string(),
});

const authorization = z.strictObject({
  from: address,
  to: address,
  value: uint256,
  validAfter: uint256,
  validBefore: uint256,
  nonce: bytes32,
});

/** Of a call that an x402 payment was shown for. The token signature is revealed by the entry that ends the payment. */
export const paymentProofSchema = z.strictObject({
  proof: z.literal('x402'),
  audience: z.exactOptional(printable(256)),
  token,
  authorization,
  signatureDigest: bytes32,
  intent: z.exactOptional(agentIntentSchema),
  contractCheckedAt: block,
});

/** Of a call that an `Agent-Intent` was shown for. */
export const intentProofSchema = z.strictObject({
  proof: z.literal('intent'),
  audience: z.exactOptional(printable(256)),
  intent: agentIntentSchema,
  intentSignature: signature,
  contractCheckedAt: block,
});

export type PaymentProof = z.output<typeof paymentProofSchema>;
export type IntentProof = z.output<typeof intentProofSchema>;

/** Of the entry that ends a payment: absent where the signature was erased before. An order of an operator has a signature of its own. */
export const spentSchema = z.object({
  signature: z.exactOptional(signature),
  paymentSignature: z.exactOptional(signature),
  order: z.exactOptional(z.unknown()),
});

export const grantSchema = z.object({
  grant: bytes32,
  delegation: agentDelegationSchema,
  signature,
  contractCheckedAt: block,
});

export const revocationSchema = z.object({
  hash: bytes32,
  revocation: agentRevocationSchema,
  signature,
  contractCheckedAt: block,
});

/** The signed intent of whoever gave an order. `by`: its account, whose chain is that of the signature. */
export const orderSchema = z.object({
  order: agentIntentSchema,
  signature,
  by: account,
  role: z.enum(['operator', 'owner']),
  contractCheckedAt: block,
});
