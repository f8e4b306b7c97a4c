import type { Hex } from '../../core/hex.ts';
import { decodeUtf8 } from '../../crypto/bytes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Entry, Json } from '../../protocol/entry.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import type { Fault, Place, Survey } from './check.ts';
import { type Line, type LogFile, MAX_BROKEN_LINES, type ReadFault, readLines } from './lines.ts';
import { delegationHash, textHash } from './logged-text.ts';
import { readEntryLine } from './read-entry.ts';

/** A substring of the canonical line of every entry with a text. Quotes in strings are escaped, so no other line contains it. */
const TEXT = /"(?:document|policy|delegation)":\{/;
/** Decodes each byte to one character. */
const ascii = new TextDecoder('latin1');

/** Every entry is longer: it has a salt, two hashes and an account. */
const MIN_ENTRY = 200;

/** Bytes of a line of `texts.ndjson`, at most: a text and its hash. */
const MAX_TEXT_LINE = 131_072;

export type SurveyedFile = LogFile & {
  /** Of its first entry. Absent if the file has none. */
  readonly account?: AccountId;
  readonly first?: number;
  /** Why the file cannot be read to its end. Then no line of it counts. */
  readonly fault?: ReadFault;
};

export type Surveyed = Survey & {
  readonly files: readonly SurveyedFile[];
  /** The first line of `texts.ndjson` whose text does not have the stated hash. */
  readonly textFault?: Fault;
};

type Span = { readonly first: number; readonly last: number };

/**
 * The first pass over the files of an export: which accounts are in them, and every text that entries name by hash. It reads only the lines that
 * may hold a text, and judges none: the second pass does.
 */
export const survey = async (
  files: readonly LogFile[],
  texts: LogFile | undefined,
  progress?: (bytes: number) => void,
): Promise<Surveyed> => {
  const documents = new Map<Hex, Json>();
  const altered = new Map<Hex, Place>();
  const accounts = new Map<AccountId, Span>();
  const surveyed: SurveyedFile[] = [];
  for (const file of files) {
    const read = (line: Line | undefined): Entry | undefined => {
      const entry = line === undefined ? undefined : readEntryLine(line, file.name);
      return entry?.ok === true ? entry.value.entry : undefined;
    };
    const found = new Map<Hex, Json>();
    let first: Line | undefined;
    let last: Line | undefined;
    let failed: ReadFault | undefined;
    let broken = 0;
    for await (const { lines, fault } of readLines(file, { progress })) {
      failed = fault;
      let end: Line | undefined;
      for (const line of lines) {
        end = line;
        const isShort = line.bytes.length < MIN_ENTRY;
        if (!isShort && !TEXT.test(ascii.decode(line.bytes))) continue;
        const entry = isShort ? undefined : read(line);
        if (entry !== undefined) {
          collect(entry, found);
          noteAltered(entry, { file: file.name, line: line.number }, altered);
        } else if (++broken === MAX_BROKEN_LINES) break;
      }
      // Copies: the batch of a long file must not stay in memory.
      first ??= copyOf(lines[0]);
      last = copyOf(end) ?? last;
      // The second pass stops at the same place.
      if (broken === MAX_BROKEN_LINES) break;
    }
    if (failed !== undefined) {
      surveyed.push({ ...file, fault: failed });
      continue;
    }
    for (const [hash, text] of found) documents.set(hash, text);
    const start = read(first);
    const end = read(last);
    if (start === undefined) {
      surveyed.push(file);
      continue;
    }
    const { account, seq } = start;
    surveyed.push({ ...file, account, first: seq });
    const known = accounts.get(account);
    accounts.set(account, {
      first: Math.min(known?.first ?? seq, seq),
      last: Math.max(known?.last ?? seq, end?.seq ?? seq),
    });
  }
  const textFault = texts && (await collectTexts(texts, documents, altered));
  return {
    ...{ documents, altered, accounts, files: inOrder(surveyed) },
    ...(textFault === undefined ? {} : { textFault }),
  };
};

const copyOf = (line: Line | undefined): Line | undefined =>
  line && { number: line.number, bytes: line.bytes.slice() };

/** Files of one account one after another, in order of their entries; otherwise as given. */
const inOrder = (files: readonly SurveyedFile[]): readonly SurveyedFile[] => {
  const places = new Map<AccountId | undefined, number>();
  for (const { account } of files) {
    if (!places.has(account)) places.set(account, places.size);
  }
  const placeOf = ({ account }: SurveyedFile): number => places.get(account) ?? 0;
  return files.toSorted(
    (one, other) => placeOf(one) - placeOf(other) || (one.first ?? 0) - (other.first ?? 0),
  );
};

/** Keeps the texts of one entry, each under the hash that its content has, whatever the entry states. */
const collect = (entry: Entry, documents: Map<Hex, Json>): void => {
  const { evidence, outcome } = entry;
  for (const text of [
    evidence?.['policy'],
    evidence?.['document'],
    outcome?.['policy'],
    outcome?.['document'],
  ]) {
    if (text !== undefined && typeof text === 'object') documents.set(textHash(text), text);
  }
  const grant = delegationHash(entry);
  if (grant !== undefined) documents.set(grant, evidence?.['delegation'] as Json);
};

/** Notes the place of a text whose hash differs from the one that the entry states. */
const noteAltered = (
  { evidence, outcome }: Entry,
  place: Place,
  altered: Map<Hex, Place>,
): void => {
  const text = evidence?.['document'] ?? evidence?.['policy'];
  const stated = outcome?.['hash'] ?? evidence?.['terms'];
  if (text === undefined || typeof stated !== 'string' || textHash(text) === stated) return;
  altered.set(stated as Hex, place);
};

/** Reads `texts.ndjson`. A line whose text has another hash proves nothing, so it is left out: entries that name its hash lack their text. */
const collectTexts = async (
  file: LogFile,
  documents: Map<Hex, Json>,
  altered: Map<Hex, Place>,
): Promise<Fault | undefined> => {
  let broken = 0;
  let first: Fault | undefined;
  for await (const { lines, fault } of readLines(file, { limit: MAX_TEXT_LINE })) {
    for (const { number: line, bytes } of lines) {
      const place = { file: file.name, line };
      const { hash, text } = statedText(decodeUtf8(bytes) ?? '');
      const own = ownHash(text);
      if (own !== undefined && own === hash) documents.set(own, text as Json);
      else {
        broken += 1;
        if (typeof hash === 'string') altered.set(hash as Hex, place);
        first ??= { ...place, reason: own === undefined ? 'malformed_text' : 'altered_text' };
      }
      if (broken === MAX_BROKEN_LINES) return first;
    }
    if (fault !== undefined) first ??= { file: file.name, ...fault };
  }
  return first;
};

const statedText = (line: string): { readonly hash?: unknown; readonly text?: unknown } => {
  const parsed = parseStrictJson(line);
  return parsed.ok && typeof parsed.value === 'object' ? (parsed.value ?? {}) : {};
};

/** The hash of a policy or of terms. A text with a fraction has no canonical form. */
const ownHash = (text: unknown): Hex | undefined => {
  if (typeof text !== 'object' || text === null || Array.isArray(text)) return undefined;
  try {
    return textHash(text as Json);
  } catch {
    return undefined;
  }
};
