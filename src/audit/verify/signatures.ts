import type { Hex } from '../../core/hex.ts';
import { ok, type Result } from '../../core/result.ts';
import { bytesOf, sha256Hex } from '../../crypto/bytes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Entry } from '../../protocol/entry.ts';
import { ENTRY_TYPES, type EntryType } from '../../protocol/log/entry-types.ts';
import { type PaymentProof, spentSchema } from '../evidence-schema.ts';
import { checkDenied, checkPolicies } from './judged-call.ts';
import { checkClosedLease } from './closed-lease.ts';
import { checkListed, checkTexts, textHash } from './logged-text.ts';
import {
  checkGrant,
  checkProof,
  checkReveal,
  checkRevocation,
  type EvidenceFault,
  fault,
  readAs,
  type Recomputed,
} from './signed-evidence.ts';
import type { Check } from './check.ts';
import { type Commands, openCommands } from './signed-command.ts';
import { checkSignedMembers } from './signed-members.ts';
import { createTally } from './tally.ts';

/** A payment that may still reveal its signature. `erased`: the account may have erased it. */
type Open = { readonly proof: PaymentProof; revealed: boolean; erased: boolean };

const BY_CONTRACT =
  'contracts accepted some signatures (ERC-1271); only the state of their chain at that block proves them';
const SEALED =
  'some payments are open or were released, so the log has a digest of their signature only';

/**
 * Recomputes every signature of a log offline (law 11): intents, token signatures, grants, revocations and commands.
 *
 * Until a payment ends the log has the SHA-256 of its token signature; the entry that ends it must reveal a signature with that digest. An
 * entry without the signature that its type requires is broken, not a lower count.
 */
export const createSignatures = (): Check => {
  const tally = createTally('signatures');
  let account: AccountId | undefined;
  let isWhole = true;
  let commands = openCommands(isWhole);
  /** Of the current account: payments without an end, and payments whose end may be followed by another one. */
  let payments = new Map<Hex, Open>();

  const count = ({ block }: Recomputed): void => {
    if (block === undefined) tally.prove();
    else tally.bound(BY_CONTRACT);
  };

  const close = (): void => {
    for (const { revealed, proof } of payments.values()) {
      if (!revealed && proof.contractCheckedAt === undefined) tally.bound(SEALED);
    }
    payments = new Map();
  };

  const check = (entry: Entry): Result<unknown, EvidenceFault> => {
    const { type, evidence } = entry;
    if (entry.call !== undefined && isRelease(entry)) {
      const known = payments.get(entry.call);
      if (known !== undefined) known.erased = true;
    }
    // The issuer of a card has ended the hold of its call, and no person signed that.
    const isByIssuer = type === 'call.resolved' && entry.rule === 'card';
    const needed = isByIssuer ? 'nothing' : ENTRY_TYPES[type].signed;
    switch (needed) {
      case 'nothing':
        // A signature that this code cannot check must not pass unchecked.
        return evidence === undefined ? ok(undefined) : fault('evidence', 'unexpected');
      case 'proof': {
        const checked = checkAcceptance(entry);
        if (!checked.ok) return checked;
        const policies = checkPolicies(entry);
        if (!policies.ok) return policies;
        const texts = checkTexts(entry);
        if (!texts.ok) return texts;
        const { proof, recomputed } = checked.value;
        if (recomputed !== undefined) count(recomputed);
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
        if (type === 'call.refused' && entry.decision === 'expired') {
          return evidence === undefined ? ok(undefined) : fault('evidence', 'unexpected');
        }
        const decided = commands.checkApproval(entry);
        if (decided.ok) count(decided.value);
        return decided;
      }
      case 'grant':
      case 'revocation':
      case 'order':
      case 'any': {
        const checked = checkDocument(entry, needed, commands);
        if (!checked.ok) return checked;
        count(checked.value);
        const consent = checkConsent(entry);
        if (consent.ok && consent.value !== undefined) count(consent.value);
        return consent.ok ? checkText(entry) : consent;
      }
    }
  };

  const reveal = (entry: Entry): Result<unknown, EvidenceFault> => {
    const read = readAs(spentSchema, entry.evidence ?? {});
    if (!read.ok) return read;
    const isCommand = read.value.order !== undefined;
    if (isCommand) {
      const command = commands.check(entry);
      if (!command.ok) return command;
      count(command.value);
    }
    const field = `evidence.${isCommand ? 'paymentSignature' : 'signature'}`;
    const signature = isCommand ? read.value.paymentSignature : read.value.signature;
    const { call } = entry;
    const known = call === undefined ? undefined : payments.get(call);
    if (call === undefined || known === undefined) {
      if (isWhole) return fault('call', 'missing');
      tally.skip('some payments were accepted in entries before the first one in the files');
      return ok(undefined);
    }
    const checked = revealed(known, signature, field);
    // A failed payment may move later. After a settled one nothing follows, so a long log does not fill the memory.
    if (checked.ok && entry.type === 'payment.settled' && known.revealed) payments.delete(call);
    return checked;
  };

  const revealed = (
    known: Open,
    signature: Hex | undefined,
    field: string,
  ): Result<unknown, EvidenceFault> => {
    if (signature === undefined) {
      return known.revealed || known.erased ? ok(undefined) : fault(field, 'missing');
    }
    if (sha256Hex(bytesOf(signature)) !== known.proof.signatureDigest) {
      return fault(field, 'mismatch');
    }
    const checked = checkReveal(known.proof, signature, field);
    if (!checked.ok) return checked;
    // The contract's acceptance was counted with the call.
    if (checked.value.block === undefined) tally.prove();
    known.revealed = true;
    return checked;
  };

  return {
    id: 'signatures',
    see: (seen) => {
      const { entry } = seen;
      if (entry.account !== account) {
        close();
        account = entry.account;
        isWhole = entry.seq === 1;
        commands = openCommands(isWhole);
      }
      commands.note(entry);
      const checked = check(entry);
      if (!checked.ok) tally.breakAt(seen, checked.error.reason, checked.error.field);
    },
    end: () => {
      close();
      return tally.finding();
    },
  };
};

/** The account erases the signature of a released payment. If the money moves later, no entry can reveal it. */
const isRelease = ({ type, payment }: Entry): boolean =>
  type === 'payment.released' || payment?.['state'] === 'released';

/** Checks the proof of a call, and that the entry has the signed values. */
const checkAcceptance = (entry: Entry): ReturnType<typeof checkProof> => {
  const { account, call, evidence } = entry;
  if (call === undefined) return fault('call', 'missing');
  const checked = checkProof(account, call, evidence);
  if (!checked.ok) return checked;
  const members = checkSignedMembers(entry, checked.value.proof);
  return members.ok ? checked : members;
};

/** Checks a grant, a revocation or a command; for `any` the members of the evidence decide which it is. */
const checkDocument = (
  entry: Entry,
  needed: 'grant' | 'revocation' | 'order' | 'any',
  commands: Commands,
): Result<Recomputed, EvidenceFault> => {
  const { evidence } = entry;
  if (evidence === undefined) return fault('evidence', 'missing');
  if (needed === 'grant' || (needed === 'any' && 'delegation' in evidence))
    return checkGrant(entry);
  if (needed === 'revocation' || (needed === 'any' && 'revocation' in evidence)) {
    return checkRevocation(entry);
  }
  return commands.check(entry);
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
  if (intent.audience !== checked.value.proof.audience) {
    return fault(`${field}.audience`, 'mismatch');
  }
  if (intent.tool !== REGISTRATION && intent.authority !== evidence?.['grant']) {
    return fault(`${field}.intent.authority`, 'mismatch');
  }
  return ok(checked.value.recomputed);
};

/** Commands whose text other entries name by the hash in `outcome.hash`. */
const WRITTEN = new Set<EntryType>(['account.policy', 'tool.put', 'webhook.put', 'secret.put']);

/** Checks that the text of a policy or a document has the hash by which later entries name it. */
const checkText = ({ type, evidence, outcome }: Entry): Result<undefined, EvidenceFault> => {
  if (!WRITTEN.has(type)) return ok(undefined);
  for (const name of ['policy', 'document']) {
    const text = evidence?.[name];
    // A removed policy is null.
    if (typeof text !== 'object' || text === null) continue;
    if (textHash(text) !== outcome?.['hash']) return fault(`evidence.${name}`, 'mismatch');
  }
  return ok(undefined);
};
