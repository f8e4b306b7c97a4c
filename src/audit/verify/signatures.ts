import type { Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { bytesOf, sha256Hex } from '../../crypto/bytes.ts';
import { requestDigest } from '../../protocol/intent/binding.ts';
import {
  type AccountId,
  assetId,
  type AssetId,
  parseAccountId,
  signedAsset,
} from '../../protocol/account-id.ts';
import type { Entry, EntryType } from '../../protocol/entry.ts';
import { type PaymentProof, spentSchema } from '../evidence-schema.ts';
import { checkDenied, checkPolicies } from './judged-call.ts';
import { checkClosedLease } from './closed-lease.ts';
import { checkListed, checkTexts } from './logged-text.ts';
import {
  checkApproval,
  checkGrant,
  checkCommand,
  checkProof,
  checkReveal,
  checkRevocation,
  type EvidenceFault,
  fault,
  type LoggedProof,
  readAs,
  type Recomputed,
} from './signed-evidence.ts';

import { type Broken, type Expectation, type VerifiedRun, verifyRun } from '../run.ts';

/** Counts of the signatures in a log. Each signature is in one of them. */
export type Signatures = {
  /** Recomputed: the account's key signed exactly these fields. */
  readonly recomputed: number;
  /** Signatures of contract accounts, accepted by the contract at a block (ERC-1271). They cannot be recomputed offline. */
  readonly byChain: readonly { readonly seq: number; readonly block: number }[];
  /** Payments whose signature is in the log as a digest only: still open, or released and erased. */
  readonly sealed: number;
  /** Ends of payments that were accepted before the first entry of the run. */
  readonly outside: number;
};

/** The first entry with a missing or wrong signature. */
export type Unsigned = {
  readonly index: number;
  readonly seq: number;
  readonly reason: 'unsigned';
  /** The member of the entry. */
  readonly field: string;
  readonly fault: EvidenceFault['reason'];
};

/** The signed evidence that each type of entry must have. */
const SIGNED_WITH: Readonly<
  Record<
    EntryType,
    | 'proof'
    | 'denial'
    | 'reveal'
    | 'grant'
    | 'revocation'
    | 'order'
    | 'approval'
    | 'text'
    | 'lease'
    | 'any'
    | 'nothing'
  >
> = {
  'call.accepted': 'proof',
  'call.parked': 'proof',
  'call.approved': 'approval',
  'call.refused': 'approval',
  'call.denied': 'denial',
  'call.dispatched': 'nothing',
  'call.finished': 'nothing',
  'call.late': 'nothing',
  'call.abandoned': 'nothing',
  'call.resolved': 'order',
  'call.refunded': 'order',
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
  'lease.closed': 'lease',
  'policy.default': 'text',
  'tool.listed': 'text',
  // A command, or a grant or revocation that moved the account.
  'account.status': 'any',
  'account.policy': 'any',
  'webhook.removed': 'any',
  'account.label': 'order',
  'tool.put': 'order',
  'tool.removed': 'order',
  'webhook.put': 'order',
  'secret.put': 'order',
  'secret.removed': 'order',
  'settlement.redriven': 'order',
  'letter.redriven': 'order',
  'alert.raised': 'nothing',
  'archive.written': 'nothing',
  'signer.signed': 'nothing',
  'signer.refused': 'nothing',
  'signer.failed': 'nothing',
  'signer.enrolled': 'order',
  'signer.policy': 'order',
  'signer.revoked': 'order',
  'signer.rotated': 'order',
  'signer.seed': 'order',
  'signer.exported': 'order',
};

/** A payment of the run. `erased`: the account may have erased its signature. */
type Known = { readonly proof: PaymentProof; revealed: boolean; erased: boolean };

/**
 * Recomputes every signature of a log offline (law 11): intents, token signatures, grants, revocations and commands. Pure. Verify the chain
 * first (`verifyRun`): this trusts the entries to be unchanged.
 *
 * Until a payment ends the log has the SHA-256 of its token signature; the entry that ends it must reveal a signature with that digest. An
 * entry without the signature that its type requires is a fault, not a lower count.
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
    // The issuer of a card has ended the hold of its call, and no person signed that.
    const isByIssuer = type === 'call.resolved' && entry.rule === 'card';
    const needed = isByIssuer ? 'nothing' : SIGNED_WITH[type];
    switch (needed) {
      case 'nothing':
        // A signature that this code cannot check must not pass unchecked.
        return evidence === undefined ? ok(undefined) : fault('evidence', 'unexpected');
      case 'proof': {
        const checked = await checkAcceptance(entry);
        if (!checked.ok) return checked;
        const policies = checkPolicies(entry);
        if (!policies.ok) return policies;
        const texts = checkTexts(entry);
        if (!texts.ok) return texts;
        const { proof, recomputed: found } = checked.value;
        if (found !== undefined) count(entry, found);
        if (proof.proof === 'x402' && entry.call !== undefined) {
          payments.set(entry.call, { proof, revealed: false, erased: false });
        }
        return checked;
      }
      case 'text':
        return checkListed(entry);
      case 'lease':
        return checkClosedLease(entry);
      case 'denial':
        return checkDenied(entry);
      case 'reveal':
        return reveal(entry);
      case 'approval': {
        // A call that expired has no decision of a person.
        if (entry.decision === 'expired') {
          return evidence === undefined ? ok(undefined) : fault('evidence', 'unexpected');
        }
        const decided = checkApproval(entry);
        if (decided.ok) count(entry, decided.value);
        return decided;
      }
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
    const isCommand = read.value.order !== undefined;
    if (isCommand) {
      const command = checkCommand(entry);
      if (!command.ok) return command;
      count(entry, command.value);
    }
    const field = `evidence.${isCommand ? 'paymentSignature' : 'signature'}`;
    const signature = isCommand ? read.value.paymentSignature : read.value.signature;
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
    // The contract's acceptance was counted with the call.
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

/** The account erases the signature of a released payment. If the money moves later, no entry can reveal it. */
const isRelease = ({ type, payment }: Entry): boolean =>
  type === 'payment.released' || payment?.['state'] === 'released';

/** Checks the proof of a call, and that the entry has the signed values. */
const checkAcceptance = async (entry: Entry): Promise<ReturnType<typeof checkProof>> => {
  const { account, call, tool, request, binding, evidence } = entry;
  if (call === undefined) return fault('call', 'missing');
  const checked = checkProof(account, call, evidence);
  if (!checked.ok) return checked;
  const { proof } = checked.value;
  const { intent } = proof;
  const price = BigInt(entry.amounts?.['price'] ?? '0');
  // An amount in another asset than the signed one would count in the wrong limits.
  if (price > 0n && entry.payment?.['asset'] !== signedAssetOf(account, proof)) {
    return fault('payment.asset', 'mismatch');
  }
  if (intent !== undefined && price > intent.maxAmount) {
    return fault('amounts.price', 'mismatch');
  }
  if (binding !== (intent === undefined ? 'none' : 'intent')) return fault('binding', 'mismatch');
  if (intent === undefined) return checked;
  if (intent.tool !== tool) return fault('tool', 'mismatch');
  return (await requestDigest(intent)) === request ? checked : fault('request', 'mismatch');
};

/** The asset that the proof of a call signs for. */
const signedAssetOf = (account: AccountId, proof: LoggedProof): AssetId | undefined => {
  const on = parseAccountId(account)?.network;
  if (on === undefined) return undefined;
  return proof.proof === 'x402'
    ? assetId(on, proof.token.address)
    : signedAsset(on, proof.intent.asset);
};

/** Checks a grant, a revocation or a command; for `any` the members of the evidence decide which it is. */
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
  return checkCommand(entry);
};

/** The tool of an intent that registers a grant and consents to it. */
const REGISTRATION = 'countersign.delegations';

/** Checks the delegate's consent to a grant: an intent that registers the grant, or a proof that names it. */
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
