import { wordsOf } from './statistics.ts';

/** A summary, and what it costs. */
export type Summary = {
  /** The most telling sentences, in their order. */
  readonly summary: string;
  readonly words: number;
  /** Atomic units of a six-decimal dollar token. */
  readonly price: bigint;
};

const SENTENCES = 2;
/** What a summary costs at least, and for each word that was read. */
const BASE = 1_000n;
const PER_WORD = 20n;

/** How often each word comes; short ones are mostly grammar. */
const frequencies = (words: readonly string[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const word of words) if (word.length > 3) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
};

/** Takes the sentences whose words are the most frequent of the text. */
export const summarise = (text: string): Summary => {
  const sentences = text.match(/[^.!?]+[.!?]*/g)?.map((sentence) => sentence.trim()) ?? [];
  const words = wordsOf(text);
  const counts = frequencies(words);
  const scored = sentences.map((sentence, at) => ({
    sentence,
    at,
    score: wordsOf(sentence).reduce((sum, word) => sum + (counts.get(word) ?? 0), 0),
  }));
  const telling = scored.toSorted((a, b) => b.score - a.score || a.at - b.at).slice(0, SENTENCES);
  return {
    summary: telling
      .toSorted((a, b) => a.at - b.at)
      .map(({ sentence }) => sentence)
      .join(' '),
    words: words.length,
    price: BASE + PER_WORD * BigInt(words.length),
  };
};
