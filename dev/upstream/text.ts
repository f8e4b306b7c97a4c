/** Statistics of a text. */
export type Statistics = {
  readonly characters: number;
  readonly words: number;
  readonly distinctWords: number;
  readonly sentences: number;
  readonly paragraphs: number;
  readonly averageWordLength: number;
  /** At 200 words a minute. */
  readonly readingSeconds: number;
  /** The five most frequent words; ties in alphabetical order. */
  readonly frequent: readonly { readonly word: string; readonly count: number }[];
};

/** Splits a text into its words, in lower case. */
export const wordsOf = (text: string): readonly string[] =>
  (text.match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu) ?? []).map((word) => word.toLowerCase());

const countOf = (words: readonly string[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
};

const codePoints = (text: string): number => Array.from(text).length;

const filled = (parts: readonly string[]): number =>
  parts.filter((part) => part.trim() !== '').length;

/** Computes the statistics of a text. Characters are code points. */
export const statisticsOf = (text: string): Statistics => {
  const words = wordsOf(text);
  const counts = countOf(words);
  const letters = words.reduce((sum, word) => sum + codePoints(word), 0);
  const frequent = [...counts]
    .map(([word, count]) => ({ word, count }))
    .toSorted((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1))
    .slice(0, 5);
  return {
    characters: codePoints(text),
    words: words.length,
    distinctWords: counts.size,
    sentences: filled(text.split(/[.!?]+(?=\s|$)/)),
    paragraphs: filled(text.split(/\n\s*\n/)),
    averageWordLength: words.length === 0 ? 0 : Math.round((100 * letters) / words.length) / 100,
    readingSeconds: Math.ceil((words.length * 60) / 200),
    frequent,
  };
};

/** A summary and its price. */
export type Summary = {
  /** The sentences with the most frequent words, in the order of the text. */
  readonly summary: string;
  readonly words: number;
  /** Atomic units of a six-decimal dollar token. */
  readonly price: bigint;
};

const SENTENCES = 2;
/** Base price and price per word, in atomic units. */
const BASE = 1_000n;
const PER_WORD = 20n;

/** Summarises a text by its sentences with the most frequent words. */
export const summarise = (text: string): Summary => {
  const sentences = text.match(/[^.!?]+[.!?]*/g)?.map((sentence) => sentence.trim()) ?? [];
  const words = wordsOf(text);
  // Shorter words are mostly grammar.
  const counts = countOf(words.filter((word) => word.length > 3));
  const scored = sentences.map((sentence, at) => ({
    sentence,
    at,
    score: wordsOf(sentence).reduce((sum, word) => sum + (counts.get(word) ?? 0), 0),
  }));
  const best = scored.toSorted((a, b) => b.score - a.score || a.at - b.at).slice(0, SENTENCES);
  return {
    summary: best
      .toSorted((a, b) => a.at - b.at)
      .map(({ sentence }) => sentence)
      .join(' '),
    words: words.length,
    price: BASE + PER_WORD * BigInt(words.length),
  };
};
