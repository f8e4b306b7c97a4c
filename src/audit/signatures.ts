import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { bytesOf } from '../crypto/bytes.ts';
import { sha256Hex } from '../crypto/digest.ts';
import { requestDigest } from '../protocol/intent/observed-request.ts';
import type { Entry, EntryType } from '../protocol/entry.ts';
import { type PaymentProof, spentSchema } from './evidence-schema.ts';
import {
  checkGrant,
  checkOrder,
  checkProof,
  checkReveal,
  checkRevocation,
  type EvidenceFault,
  fault,
  readAs,
  type Recomputed,
} from './signed-evidence.ts';

import { type Broken, type Expectation, type VerifiedRun, verifyRun } from './verify.ts';

/** How often each kind of vouching was found in a log. Every signature of it is in one of these counts. */
export type Signatures = {
  /** Recomputed here: the key of the account has signed exactly these fields. */
  readonly recomputed: number;
  /** Of contract accounts (ERC-1271): vouched for by the chain at a block. Cannot be recomputed offline. */
  readonly byChain: readonly { readonly seq: number; readonly block: number }[];
  /** Payments of which the log holds only the digest of the signature: still open, or released, and then erased for good. */
  readonly sealed: number;
  /** Ends of payments that were accepted before the first entry of this run. */
  readonly outside: number;
};

/** The first entry whose signatures do not hold. */
export type Unsigned = {
  readonly index: number;
  readonly seq: number;
  readonly reason: 'unsigned';
  /** The member of the entry. */
  readonly field: string;
  readonly fault: EvidenceFault['reason'];
};

/** What a type of entry must be signed with. */
const SIGNED_WITH: Readonly<
  Record<EntryType, 'proof' | 'reveal' | 'grant' | 'revocation' | 'order' | 'any' | 'nothing'>
> = {
  'call.accepted': 'proof',
  'call.denied': 'nothing',
  'call.dispatched': 'nothing',
  'call.finished': 'nothing',
  'call.late': 'nothing',
  'call.abandoned': 'nothing',
  'call.resolved': 'order',
  'payment.settled': 'reveal',
  'payment.failed': 'reveal',
  'payment.bounced': 'nothing',
  'payment.released': 'nothing',
  'credit.received': 'nothing',
  'credit.refunded': 'order',
  'credit.lent': 'nothing',
  'credit.adjusted': 'order',
  'grant.issued': 'grant',
  'grant.accepted': 'nothing',
  'grant.taken': 'grant',
  'grant.revoked': 'revocation',
  'grant.default': 'order',
  // By an order, or because a grant or a revocation has moved the account.
  'account.status': 'any',
  'account.policy': 'any',
  'webhook.removed': 'any',
  'account.label': 'order',
  'tool.put': 'order',
  'tool.removed': 'order',
  'webhook.put': 'order',
  'settlement.redriven': 'order',
  'letter.redriven': 'order',
  'alert.raised': 'nothing',
};

/** A payment of the run: what it was accepted with, and whether its signature may be gone from storage. */
type Known = { readonly proof: PaymentProof; revealed: boolean; erased: boolean };

/**
 * Recomputes every signature of a log offline (law 11): intents, token signatures, grants, revocations and orders. Pure. It trusts the
 * entries to be as they were written, so verify the chain first (`verifyRun`).
 *
 * A token signature lies in the log as its SHA-256 until the payment has ended; then it must be there, and fit. An entry that lacks a
 * signature which its type needs is a fault, never a signature less.
 */
export const verifySignatures = async (
  entries: readonly Entry[],
): Promise<Result<Signatures, Unsigned>> => {
  const payments = new Map<Hex, Known>();
  const byChain: { readonly seq: number; readonly block: number }[] = [];
  let recomputed = 0;
  let outside = 0;
  const isWhole = entries[0]?.seq === 1;
  const count = (entry: Entry, found: Recomputed): void => {
    if (found.block === undefined) recomputed += 1;
    else byChain.push({ seq: entry.seq, block: found.block });
  };

  const check = async (entry: Entry): Promise<Result<unknown, EvidenceFault>> => {
    const { type, evidence } = entry;
    if (entry.call !== undefined && isRelease(entry)) {
      const known = payments.get(entry.call);
      if (known !== undefined) known.erased = true;
    }
    const needed = SIGNED_WITH[type];
    switch (needed) {
      case 'nothing':
        // A signature that this release does not know how to check must not pass unseen.
        return evidence === undefined ? ok(undefined) : fault('evidence', 'unexpected');
      case 'proof': {
        const checked = await checkAcceptance(entry);
        if (!checked.ok) return checked;
        const { proof, recomputed: found } = checked.value;
        if (found !== undefined) count(entry, found);
        if (proof.proof === 'x402' && entry.call !== undefined) {
          payments.set(entry.call, { proof, revealed: false, erased: false });
        }
        return checked;
      }
      case 'reveal':
        return reveal(entry);
      case 'grant':
      case 'revocation':
      case 'order':
      case 'any': {
        const checked = checkDocument(entry, needed);
        if (!checked.ok) return checked;
        count(entry, checked.value);
        const consent = checkConsent(entry);
        if (consent.ok && consent.value !== undefined) count(entry, consent.value);
        return consent;
      }
    }
  };

  const reveal = (entry: Entry): Result<unknown, EvidenceFault> => {
    const read = readAs(spentSchema, entry.evidence ?? {});
    if (!read.ok) return read;
    const isOrdered = read.value.order !== undefined;
    if (isOrdered) {
      const ordered = checkOrder(entry);
      if (!ordered.ok) return ordered;
      count(entry, ordered.value);
    }
    const field = `evidence.${isOrdered ? 'paymentSignature' : 'signature'}`;
    const signature = isOrdered ? read.value.paymentSignature : read.value.signature;
    const known = entry.call === undefined ? undefined : payments.get(entry.call);
    if (known === undefined) {
      if (isWhole) return fault('call', 'missing');
      outside += 1;
      return ok(undefined);
    }
    if (signature === undefined) {
      return known.revealed || known.erased ? ok(undefined) : fault(field, 'missing');
    }
    if (sha256Hex(bytesOf(signature)) !== known.proof.signatureDigest) {
      return fault(field, 'mismatch');
    }
    const checked = checkReveal(known.proof, signature, field);
    if (!checked.ok) return checked;
    // The contract's word was counted when the call was accepted.
    if (checked.value.block === undefined) recomputed += 1;
    known.revealed = true;
    return checked;
  };

  for (const [index, entry] of entries.entries()) {
    const checked = await check(entry);
    if (!checked.ok) {
      const { field, reason } = checked.error;
      return err({ index, seq: entry.seq, reason: 'unsigned', field, fault: reason });
    }
  }
  const sealed = [...payments.values()].filter(
    ({ revealed, proof }) => !revealed && proof.contractCheckedAt === undefined,
  ).length;
  return ok({ recomputed, byChain, sealed, outside });
};

export type VerifiedLog = VerifiedRun & { readonly signatures: Signatures };

/** Verifies a run of entries: its chain first (`verifyRun`), then every signature in it. */
export const verifySignedRun = async (
  entries: readonly Entry[],
  expected: Expectation = {},
): Promise<Result<VerifiedLog, Broken | Unsigned>> => {
  const run = verifyRun(entries, expected);
  if (!run.ok) return run;
  const signatures = await verifySignatures(entries);
  return signatures.ok ? ok({ ...run.value, signatures: signatures.value }) : signatures;
};

/** The signature of a released payment is erased; if the money moves all the same, no later entry can have it. */
const isRelease = ({ type, payment }: Entry): boolean =>
  type === 'payment.released' || payment?.['state'] === 'released';

/** The proof of a call, and that the entry says what was signed. */
const checkAcceptance = async (entry: Entry): Promise<ReturnType<typeof checkProof>> => {
  const { account, call, tool, request, binding, evidence } = entry;
  if (call === undefined) return fault('call', 'missing');
  const checked = checkProof(account, call, evidence);
  if (!checked.ok) return checked;
  const { intent } = checked.value.proof;
  if (binding !== (intent === undefined ? 'none' : 'intent')) return fault('binding', 'mismatch');
  if (intent === undefined) return checked;
  if (intent.tool !== tool) return fault('tool', 'mismatch');
  return (await requestDigest(intent)) === request ? checked : fault('request', 'mismatch');
};

/** A grant, a revocation or an order: by its form, where a type may have any of them. */
const checkDocument = (
  entry: Entry,
  needed: 'grant' | 'revocation' | 'order' | 'any',
): Result<Recomputed, EvidenceFault> => {
  const { evidence } = entry;
  if (evidence === undefined) return fault('evidence', 'missing');
  if (needed === 'grant' || (needed === 'any' && 'delegation' in evidence))
    return checkGrant(entry);
  if (needed === 'revocation' || (needed === 'any' && 'revocation' in evidence)) {
    return checkRevocation(entry);
  }
  return checkOrder(entry);
};

/** The tool of an intent that consents with the registration. */
const REGISTRATION = 'countersign.delegations';

/** The delegate's consent to a grant, a proof of its own: for the registration, or by naming the grant. */
const checkConsent = ({
  type,
  account,
  evidence,
}: Entry): Result<Recomputed | undefined, EvidenceFault> => {
  if (type !== 'grant.taken') return ok(undefined);
  const field = 'evidence.consent';
  const consent = evidence?.['consent'];
  if (consent === undefined) return fault(field, 'missing');
  const checked = checkProof(account, undefined, consent, field);
  if (!checked.ok) return checked;
  const { intent } = checked.value.proof;
  if (intent === undefined) return fault(`${field}.intent`, 'missing');
  if (intent.tool !== REGISTRATION && intent.authority !== evidence?.['grant']) {
    return fault(`${field}.intent.authority`, 'mismatch');
  }
  return ok(checked.value.recomputed);
};
