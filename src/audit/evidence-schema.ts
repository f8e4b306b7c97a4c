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

/* The evidence in entries (docs/wire-format.md §15). An exported log is external input: every member is checked. */

/** The block at which an account's contract accepted the signature (ERC-1271). */
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

/** The policies and grants that bound a call, where more than one did. Their list has the hash `policy`. */
const policies = z.exactOptional(
  z.array(
    z.strictObject({
      kind: z.enum(['default', 'operator', 'owner', 'grant']),
      account,
      hash: bytes32,
    }),
  ),
);

/** The proof of a call that an x402 payment pays. The entry that ends the payment reveals the token signature. */
export const paymentProofSchema = z.strictObject({
  proof: z.literal('x402'),
  audience: z.exactOptional(printable(256)),
  token,
  authorization,
  signatureDigest: bytes32,
  intent: z.exactOptional(agentIntentSchema),
  contractCheckedAt: block,
  policies,
});

/** The proof of a call that presented an `Agent-Intent`. */
export const intentProofSchema = z.strictObject({
  proof: z.literal('intent'),
  audience: z.exactOptional(printable(256)),
  intent: agentIntentSchema,
  intentSignature: signature,
  contractCheckedAt: block,
  policies,
});

export type PaymentProof = z.output<typeof paymentProofSchema>;
export type IntentProof = z.output<typeof intentProofSchema>;

/** The evidence of an entry that ends a payment. Signatures are absent if they were erased before; an operator's command has its own. */
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

/** The signed intent of a command. `by`: the account of its signer, on the chain of the signature. */
export const commandSchema = z.object({
  order: agentIntentSchema,
  signature,
  by: account,
  role: z.enum(['operator', 'owner']),
  contractCheckedAt: block,
});
