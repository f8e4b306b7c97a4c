import { wordsOf } from './statistics.ts';

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

/** Counts words of more than three letters; shorter ones are mostly grammar. */
const frequencies = (words: readonly string[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const word of words) if (word.length > 3) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
};

/** Summarises a text by its sentences with the most frequent words. */
export const summarise = (text: string): Summary => {
  const sentences = text.match(/[^.!?]+[.!?]*/g)?.map((sentence) => sentence.trim()) ?? [];
  const words = wordsOf(text);
  const counts = frequencies(words);
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
