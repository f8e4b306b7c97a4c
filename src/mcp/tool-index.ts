import { termsOf } from './search-terms.ts';

/** The text of one tool for search. */
export type SearchedTool = {
  readonly id: string;
  /** Counts three times as much as `text`. */
  readonly name: string;
  readonly text: string;
};

/** The tools that one caller may find, as `view` computes them. */
export type IndexView = {
  /** 1 for each visible tool, by its position. */
  readonly visible: Uint8Array;
  readonly count: number;
  /** The part of BM25's denominator that does not depend on the query, for each tool. */
  readonly damping: Float64Array;
};

export type Found = {
  /** How many visible tools contain a term of the query. */
  readonly matches: number;
  /** The best matches, best first; equal scores by id. */
  readonly ids: readonly string[];
};

/**
 * Full-text search over the tools of one version of the catalogue, in the memory of an isolate. Ranks by BM25 (Robertson and Zaragoza,
 * 2009, §3.1) over postings, which takes less time than a query to a Durable Object and reads no row.
 */
export type ToolIndex = {
  /** @param ids of the visible tools; unknown ids are ignored. */
  readonly view: (ids: Iterable<string>) => IndexView;
  /**
   * Searches among visible tools only. Frequencies and lengths count only these, so neither ranks nor counts reveal that a hidden tool
   * exists: the answer is the same as that of an index without it.
   */
  readonly search: (query: string, view: IndexView, limit: number) => Found;
};

const K1 = 1.2;
const B = 0.75;
const NAME_WEIGHT = 3;

/** The tools that contain a term, by position, and how often each does. */
type Postings = { readonly tools: number[]; readonly counts: number[] };

export const createToolIndex = (searched: readonly SearchedTool[]): ToolIndex => {
  const tools = searched.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const positions = new Map(tools.map(({ id }, at) => [id, at]));
  const lengths = new Float64Array(tools.length);
  const postings = new Map<string, Postings>();
  for (const [at, { name, text }] of tools.entries()) {
    const counts = new Map<string, number>();
    for (const term of termsOf(name)) counts.set(term, (counts.get(term) ?? 0) + NAME_WEIGHT);
    for (const term of termsOf(text)) counts.set(term, (counts.get(term) ?? 0) + 1);
    for (const [term, count] of counts) {
      lengths[at] = (lengths[at] ?? 0) + count;
      let known = postings.get(term);
      if (known === undefined) postings.set(term, (known = { tools: [], counts: [] }));
      known.tools.push(at);
      known.counts.push(count);
    }
  }
  // A search is synchronous, so all searches share one array. Each clears what it used.
  const scores = new Float64Array(tools.length);

  return {
    view: (ids) => {
      const visible = new Uint8Array(tools.length);
      let count = 0;
      let total = 0;
      for (const id of ids) {
        const at = positions.get(id);
        if (at === undefined || visible[at] === 1) continue;
        visible[at] = 1;
        count += 1;
        total += lengths[at] ?? 0;
      }
      const average = Math.max(1, total / Math.max(1, count));
      const damping = lengths.map((length) => K1 * (1 - B + (B * length) / average));
      return { visible, count, damping };
    },

    search: (query, { visible, count, damping }, limit) => {
      const matched: number[] = [];
      for (const term of new Set(termsOf(query))) {
        const found = postings.get(term);
        if (found === undefined) continue;
        const { tools: having, counts } = found;
        let frequency = 0;
        for (const at of having) frequency += visible[at] ?? 0;
        const rarity = (K1 + 1) * Math.log(1 + (count - frequency + 0.5) / (frequency + 0.5));
        for (let place = 0; place < having.length; place += 1) {
          const at = having[place] ?? 0;
          if (visible[at] !== 1) continue;
          const times = counts[place] ?? 0;
          const before = scores[at] ?? 0;
          if (before === 0) matched.push(at);
          scores[at] = before + (rarity * times) / (times + (damping[at] ?? 0));
        }
      }
      const exact = positions.get(query.trim());
      if (exact !== undefined && visible[exact] === 1) {
        if (scores[exact] === 0) matched.push(exact);
        scores[exact] = Number.POSITIVE_INFINITY;
      }
      const best = bestOf(matched, scores, limit);
      for (const at of matched) scores[at] = 0;
      return { matches: matched.length, ids: best.map((at) => tools[at]?.id ?? '') };
    },
  };
};

/** Returns the positions with the highest scores, in one pass: a broad query matches thousands of tools. */
const bestOf = (
  matched: readonly number[],
  scores: Float64Array,
  limit: number,
): readonly number[] => {
  const isBetter = (one: number, other: number): boolean => {
    const [a = 0, b = 0] = [scores[one], scores[other]];
    return a > b || (a === b && one < other);
  };
  const best: number[] = [];
  for (const at of matched) {
    const last = best[limit - 1];
    if (last !== undefined && !isBetter(at, last)) continue;
    const place = best.findIndex((each) => isBetter(at, each));
    best.splice(place === -1 ? best.length : place, 0, at);
    if (best.length > limit) best.pop();
  }
  return best;
};
