import type { Fault, Finding } from './check.ts';

/** What is broken, in words that follow the name of an entry or a line. `{field}` stands for the member of the entry. */
export const REASONS: Readonly<Record<string, string>> = {
  altered: 'was changed after it was written: the next entry names another hash',
  unlinked: 'does not name the hash of the entry before it: one of the two was changed',
  gap: 'does not follow the entry before it: entries are missing',
  repeated: 'occurs twice, or is out of order',
  out_of_order: 'is out of order: entries that belong before it come later in the files',
  foreign_account: 'belongs to the chain of another account',
  malformed: 'is not an entry: {field} is malformed',
  not_canonical:
    'is not in canonical form: a member occurs twice, the order differs, or there are spaces',
  not_json: 'is not JSON',
  not_utf8: 'is not UTF-8',
  line_too_long: 'is longer than an entry may be',
  not_gzip: 'is not a single gzip member: it cannot be decompressed',
  expands: 'decompresses to more than 128 times its size: it is a bomb, not an export',
  altered_text: 'has a text that does not match its hash: the text was changed',
  malformed_text: 'is not a text with its hash',
  unreadable: 'cannot be read',
  empty: 'has no entry',
  missing: 'lacks {field}',
  unexpected: 'has {field}, which an entry of its type does not have',
  mismatch: 'states {field} otherwise than what was signed',
  wrong_signer: 'is not signed by its account: {field}',
  other_signature:
    'has a signature that does not verify: it was changed after it was signed, or signed with another key',
  truncated: 'is the last of its account in the files, but the log has later ones',
  not_as_logged: 'differs from what the transparency log has: the chain was rewritten',
  not_in_log:
    'begins an account that the transparency log does not have, though it has later entries',
  unknown_key:
    'is signed by a key of the log that you did not give: read /log/<year>/keys of the gateway, check the key with another source, and give it with --log-key',
  retired_key:
    'covers entries that are younger than the end of every key that signed it: a key that the log had retired signed another history',
  unsigned: 'is not signed by its log',
  forked: 'shows a second history of one account',
  leaf_gap: 'does not continue the leaf before it of its account',
  log_unlinked: 'does not name the log of the year before: one of the two was exchanged',
  leaf_missing:
    'is not followed by all leaves of the checkpoint, or does not follow the leaf before it: a leaf was removed',
  leaf_withheld:
    'proves that the log has a later leaf of this account than the files: entries were cut off',
  head_missing:
    'shows that the index of the log lacks this account, although the log has its leaves',
  head_not_included: 'is not in the index of the checkpoint',
  other_heads: 'is not the root of the index over the leaves before it',
  leaf_not_included: 'is not in the tree of the checkpoint',
  tile_altered:
    'is not the tile of the exported leaves: the gateway shows others another log than you, or the tile was altered',
  other_root: 'does not lead to the root that the checkpoint signs',
  rolled_back: 'is older than the checkpoint that was given',
  other_history: 'does not extend the checkpoint that was given: the log was rewritten',
  wrong_price:
    'states a price that differs from the terms of its tool, or exceeds what its caller signed',
  unmetered: 'has {field}, although its tool has no meter',
  wrong_basis: 'states {field} that its outcome or the terms of its tool do not allow',
  wrong_rates: 'names rates that the terms of its tool do not set for this call: {field}',
  wrong_usage: 'states usage that the meter of its tool cannot read: {field}',
  wrong_charge: 'states a charge that does not follow from its usage, rates and terms',
  over_limit: 'spends more than the limit {field} allows',
  differs_from_receipt: 'states {field} otherwise than the receipt of the call',
  entry_missing: 'is a receipt whose entry is not in the chain of its account',
  not_settled: 'is not true: the chain shows the authorization unused',
  other_transfer: 'is not true: the transaction did not move this payment',
  other_block: 'states {field} otherwise than the chain',
  not_found: 'no entry of the files has this hash',
};

/** Why a statement is false: "was changed after it was written". A reason without words is shown as it is. */
export const faultWords = ({ reason, field = '' }: Pick<Fault, 'reason' | 'field'>): string => {
  // A note or a receipt is signed as a whole, so it has no field to name.
  const known = REASONS[reason === 'wrong_signer' && field === '' ? 'other_signature' : reason];
  const words = known ?? `${reason.replaceAll('_', ' ')}${field === '' ? '' : ': {field}'}`;
  return words.replace('{field}', field);
};

/** The fault that a reader should look at, and why it is one. */
export type Blame = { readonly fault: Fault; readonly words: string };

/** The fault that a check found, or, if another check identifies it, the member of the entry that was changed. */
export const blameOf = (first: Fault, checks: readonly Finding[]): Blame => {
  const changed = changedMember(first, checks);
  return changed === undefined
    ? { fault: first, words: faultWords(first) }
    : { fault: changed, words: `${changed.field ?? ''} was changed after it was written` };
};

/**
 * The hashes show that one of two entries was changed. If another check blames a member of one of them, returns the fault with the place
 * and name of that member.
 */
const changedMember = (
  { account, seq, reason }: Fault,
  checks: readonly Finding[],
): Fault | undefined => {
  if (seq === undefined || (reason !== 'altered' && reason !== 'unlinked')) return undefined;
  const suspects = reason === 'altered' ? [seq] : [seq - 1, seq];
  return checks
    .flatMap(({ check, first }) => (check === 'chain' || first === undefined ? [] : [first]))
    .find(
      (other) =>
        other.account === account &&
        other.field !== undefined &&
        other.seq !== undefined &&
        suspects.includes(other.seq),
    );
};
