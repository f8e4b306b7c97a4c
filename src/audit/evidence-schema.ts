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
import { USD } from '../protocol/fiat-asset.ts';
import { meterSchema } from '../protocol/meter/meter-schema.ts';

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

/** The policies and grants that bound a call, if there are several. `policy` is the hash of this list. */
const policies = z.exactOptional(
  z.array(
    z.strictObject({
      kind: z.enum(['default', 'operator', 'owner', 'grant']),
      account,
      hash: bytes32,
    }),
  ),
);

const amount = z.string().check(z.regex(/^(0|[1-9][0-9]{0,15})$/));
const name = z.string().check(z.minLength(1), z.maxLength(256));

/** `ToolTerms`. */
export const toolTermsSchema = z.strictObject({
  tool: name,
  price: amount,
  pricing: z.enum(['exact', 'upto']),
  meter: z.exactOptional(meterSchema),
  asset: z.exactOptional(z.literal(USD)),
  settlement: z.enum(['deferred', 'upfront', 'credit', 'free', 'card']),
  onSilence: z.enum(['release', 'keep']),
  timeoutSeconds: z.int().check(z.positive()),
  streamSeconds: z.exactOptional(z.int().check(z.positive())),
  requireBinding: z.enum(['none', 'intent']),
  params: z.record(
    name,
    z.union([z.strictObject({ pointer: z.string() }), z.strictObject({ query: z.string() })]),
  ),
});

/**
 * How a call's entry names the texts that decided it. `terms`: hash of the tool's terms; the gateway's own tools have none. `document` and
 * `policy`: the terms and the default policy themselves, if the log of the gateway's account was not known to have them.
 */
const texts = {
  terms: z.exactOptional(bytes32),
  document: z.exactOptional(toolTermsSchema),
  policy: z.exactOptional(z.record(z.string(), z.unknown())),
};

/** The parameters that conditions of these policies compared, as the gateway read them; `null`: the tool declares no such parameter. */
const params = z.exactOptional(
  z.record(
    z.string(),
    z.nullable(
      z.union([
        z.strictObject({ found: z.literal(true), value: z.string() }),
        z.strictObject({ found: z.literal(false) }),
      ]),
    ),
  ),
);

/** The proof of a call that an x402 payment pays. The entry that ends the payment reveals the token signature. */
export const paymentProofSchema = z.strictObject({
  proof: z.literal('x402'),
  audience: z.exactOptional(printable(256)),
  token,
  authorization,
  /** The sender that a Permit2 permit names; then `authorization` has the fields of the permit. Absent for EIP-3009. */
  facilitator: z.exactOptional(address),
  signatureDigest: bytes32,
  intent: z.exactOptional(agentIntentSchema),
  contractCheckedAt: block,
  policies,
  ...texts,
  params,
});

/** The proof of a call that presented an `Agent-Intent`. */
export const intentProofSchema = z.strictObject({
  proof: z.literal('intent'),
  audience: z.exactOptional(printable(256)),
  intent: agentIntentSchema,
  intentSignature: signature,
  contractCheckedAt: block,
  policies,
  ...texts,
  params,
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

export type CommandEvidence = z.output<typeof commandSchema>;

/** The members of `tool.listed`: the terms of a tool, once for each hash. */
export const listedToolSchema = z.looseObject({
  evidence: z.strictObject({ document: toolTermsSchema }),
  outcome: z.strictObject({ name, hash: bytes32 }),
});

/** The members of `policy.default`: the gateway's default policy, once for each hash. */
export const defaultPolicySchema = z.looseObject({
  evidence: z.strictObject({ policy: z.record(z.string(), z.unknown()) }),
  outcome: z.strictObject({ hash: bytes32 }),
});

/**
 * The members of `lease.closed`. `to` borrowed by `grant` from the entry's account; each counter is a limit of that account in one period, from
 * `start` (Unix seconds). Totals in atomic units: `spent` is what the borrower had reported by then, and it never spent more than
 * `granted` less `returned`.
 */
export const closedLeaseSchema = z.looseObject({
  payment: z.strictObject({ asset: z.string(), to: account, grant: bytes32 }),
  outcome: z.strictObject({
    counters: z.array(
      z.strictObject({
        name,
        start: z.int().check(z.nonnegative()),
        granted: amount,
        returned: amount,
        spent: amount,
      }),
    ),
  }),
});
