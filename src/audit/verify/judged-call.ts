import * as z from 'zod/mini';
import { canonicalJson } from '../../core/canonical-json.ts';
import { ok, type Result } from '../../core/result.ts';
import { sha256Hex, utf8 } from '../../crypto/bytes.ts';
import type { Entry } from '../../protocol/entry.ts';
import { intentDigest } from '../../protocol/intent/agent-intent.ts';
import { bytes32 } from '../../protocol/wire-fields.ts';
import { intentProofSchema, paymentProofSchema } from '../evidence-schema.ts';
import { checkTexts } from './logged-text.ts';
import { checkSignedMembers } from './signed-members.ts';
import { checkPayment, type EvidenceFault, fault, partsOf, readAs } from './signed-evidence.ts';

/* The request of a denied call (docs/wire-format.md §15): the signed fields, without a signature that could still be presented. */

const judged = { validBefore: z.int().check(z.nonnegative()) };

const deniedPaymentSchema = z.extend(paymentProofSchema, {
  intentSignatureDigest: z.exactOptional(bytes32),
  ...judged,
});

const deniedIntentSchema = z.extend(z.omit(intentProofSchema, { intentSignature: true }), {
  intentSignatureDigest: bytes32,
  ...judged,
});

/** Checks the evidence of a denial: the call id commits to its fields. Its signature is not in the log. */
export const checkDenied = (entry: Entry): Result<undefined, EvidenceFault> => {
  const { account, call, evidence } = entry;
  if (evidence?.['proof'] === 'x402') {
    const read = readAs(deniedPaymentSchema, evidence);
    if (!read.ok) return read;
    const checked = checkPayment(account, call, read.value, 'evidence');
    return checked.ok ? checkStated(entry, read.value) : checked;
  }
  const read = readAs(deniedIntentSchema, evidence);
  if (!read.ok) return read;
  const { intent } = read.value;
  const { chainId, address } = partsOf(account);
  if (intent.agent !== address) return fault('evidence.intent.agent', 'mismatch');
  return intentDigest(intent, chainId) === call
    ? checkStated(entry, read.value)
    : fault('evidence.intent', 'mismatch');
};

type Denied = z.output<typeof deniedPaymentSchema> | z.output<typeof deniedIntentSchema>;

/** Checks that the entry states what its caller signed, then the list of policies and the texts. */
const checkStated = (entry: Entry, proof: Denied): Result<undefined, EvidenceFault> => {
  if (entry.decision !== 'denied') return fault('decision', 'malformed');
  const { validBefore } = proof.proof === 'x402' ? proof.authorization : proof.intent;
  if (BigInt(proof.validBefore) !== validBefore) return fault('evidence.validBefore', 'mismatch');
  const members = checkSignedMembers(entry, proof);
  if (!members.ok) return members;
  const policies = checkPolicies(entry);
  return policies.ok ? checkTexts(entry) : policies;
};

/** Checks that the list of policies has the hash that the entry names. An entry that only one policy bound has no list. */
export const checkPolicies = ({ policy, evidence }: Entry): Result<undefined, EvidenceFault> => {
  const policies = evidence?.['policies'];
  if (policies === undefined) return ok(undefined);
  return sha256Hex(utf8(canonicalJson(policies))) === policy
    ? ok(undefined)
    : fault('evidence.policies', 'mismatch');
};
