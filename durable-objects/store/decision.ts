import type { Entry } from '../../src/protocol/entry.ts';
import type { Write } from './noun.ts';

/**
 * The changes that a decision makes, and its verdict. Pure data: the group commit writes a whole group of decisions in one transaction, and
 * only then answers. A decision without writes and entries stores nothing (law 12).
 */
export type Decision<State, Verdict> = {
  /** The object's own state after the decision. Memory always adopts it; storage gets it with the next write of the group. */
  readonly state: State;
  readonly writes: readonly Write[];
  /** Entries that no written value contains. */
  readonly entries: readonly Entry[];
  readonly verdict: Verdict;
};

export const isDurable = ({
  writes,
  entries,
}: Pick<Decision<unknown, unknown>, 'writes' | 'entries'>): boolean =>
  writes.length > 0 || entries.length > 0;
