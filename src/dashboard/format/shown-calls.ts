import type { AnswerOf } from '../../client/management.ts';

/** Tells the reader which calls the list of a tree has; undefined if it has every call that matches. */
export const shownCallsText = (
  { shows, read }: Pick<AnswerOf<'account.tree.calls'>, 'shows' | 'read'>,
  isFiltered: boolean,
): string | undefined => {
  if (shows === 'all') return undefined;
  if (shows === 'newest') {
    return 'These are the newest calls of your agents. Choose an agent above to see its older ones.';
  }
  return isFiltered
    ? 'The gateway looked through the newest calls only, and others may match. Choose an agent above to see all of its calls that match.'
    : `These are calls of the ${read} accounts that were active last. Newer calls of your other agents may be missing: choose an agent above to see all of its calls.`;
};
