import type { Entry } from '../../src/protocol/entry.ts';
import type { Write } from './noun.ts';

/**
 * What a decision wants, and its answer. Pure data: the group commit writes a whole group of them in one transaction, and only then
 * answers. Without writes and entries nothing is stored (law 12).
 */
export type Decision<State, Verdict> = {
  /** The object's own state after it. Memory takes it over in any case; it is stored with whatever the group writes. */
  readonly state: State;
  readonly writes: readonly Write[];
  /** Entries that no written value carries itself. */
  readonly entries: readonly Entry[];
  readonly verdict: Verdict;
};

export const isDurable = ({
  writes,
  entries,
}: Pick<Decision<unknown, unknown>, 'writes' | 'entries'>): boolean =>
  writes.length > 0 || entries.length > 0;
