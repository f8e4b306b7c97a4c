import type { Seconds } from '../../core/clock.ts';
import { type Checkpoint, parseCheckpoint } from '../log/checkpoint.ts';
import { endOfSigning, type ListedKey, parseKeyList } from '../log/key-list.ts';
import { verifyNoteSignature } from '../log/note-signature.ts';
import { openNote, readNote, SIGNATURE_TYPE } from '../log/signed-note.ts';
import type { LogFile } from './lines.ts';
import type { Tally } from './tally.ts';

/** The statements of the transparency log (docs/audit-log.md). */
export type LogEvidence = {
  /** The logs of the years, the oldest first. */
  readonly years: readonly YearLog[];
  /**
   * Lists of keys in the export itself, in the format of `/log/<year>/keys`. Without `pinned`, one of these keys must have signed each
   * checkpoint.
   */
  readonly keys: readonly NamedText[];
  /** Keys that the reader has from another source. Only these keys show that the gateway, not the exporter, signed a checkpoint. */
  readonly pinned?: readonly NamedText[];
  /** A checkpoint that the reader kept: the log of that year must have only grown since. */
  readonly older?: NamedText;
  /** Reads what the gateway publishes now, by the path after `/log/`; undefined for 404. */
  readonly published?: ReadPublished;
};

export type ReadPublished = (path: string) => Promise<Uint8Array | undefined>;

/** The log of one year. */
export type YearLog = {
  readonly leaves: LogFile;
  /** A signed note. */
  readonly checkpoint?: NamedText;
  /** Proofs that the leaves of an owner's accounts are their newest (docs/audit-format.md, "Heads"). */
  readonly heads?: LogFile;
};

export type NamedText = { readonly name: string; readonly text: string };

/** The keys of all lists. @returns undefined if one of them is not a list of keys */
export const readKeys = (
  lists: readonly NamedText[],
  tally: Tally,
): readonly ListedKey[] | undefined => {
  const read = lists.map(({ name, text }) => ({ name, list: parseKeyList(text) }));
  const malformed = read.find(
    ({ list }) => list?.every(({ key }) => key.type === SIGNATURE_TYPE.note) !== true,
  );
  if (malformed === undefined) return read.flatMap(({ list = [] }) => list);
  tally.breakWith({ file: malformed.name, line: 1, reason: 'malformed_key' });
  return undefined;
};

/** A signed checkpoint. `until`: when the last key that signed it stopped signing; absent if one still signs. */
export type SignedTree = Checkpoint & { readonly name: string; readonly until?: Seconds };

/** The tree of a year in the files. */
export type YearTree = {
  readonly tree: SignedTree;
  /** Whether the files have all leaves of the tree. */
  readonly isComplete: boolean;
  /** The root of the index in the last leaf. */
  readonly index?: Uint8Array;
  /** The newest tree that the gateway publishes. */
  readonly newest?: SignedTree;
};

/** Verifies a checkpoint. @returns undefined if it proves nothing */
export const openCheckpoint = async (
  { name, text }: NamedText,
  keys: readonly ListedKey[],
  tally: Tally,
): Promise<SignedTree | undefined> => {
  const breakHere = (reason: string): undefined => {
    tally.breakWith({ file: name, line: 1, reason });
    return undefined;
  };
  const noteKeys = keys.map(({ key }) => key);
  const opened = await openNote(text, noteKeys, verifyNoteSignature);
  if (!opened.ok) {
    const { kind } = opened.error;
    if (kind === 'unsigned') return breakHere(isSignedByItself(text) ? 'unknown_key' : 'unsigned');
    return breakHere(kind === 'malformed' ? 'malformed_checkpoint' : 'wrong_signer');
  }
  const checkpoint = parseCheckpoint(opened.value.text);
  if (checkpoint === undefined) return breakHere('malformed_checkpoint');
  const own = opened.value.signers.filter((key) => key.name === checkpoint.origin);
  if (own.length === 0) return breakHere('other_origin');
  tally.prove();
  const until = endOfSigning(keys, own);
  return { ...checkpoint, name, ...(until === undefined ? {} : { until }) };
};

/** Whether a note has a signature line of its own log, so that the reader only lacks the key. */
const isSignedByItself = (text: string): boolean => {
  const note = readNote(text);
  return note.ok && note.value.signatures.some(({ name }) => text.startsWith(`${name}\n`));
};
