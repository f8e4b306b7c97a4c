import type { AnswerOf, Management } from '../../../client/management.ts';
import type { CallFilters } from './call-rows.ts';

type TreeCalls = AnswerOf<'account.tree.calls'>;

/** Rows that the gateway lists of a tree, at most. */
export const MOST_OF_TREE = 500;

/** Reads the newest calls of an owner and its agents, and whether others are missing. */
export const readTreeCalls = async (
  management: Management,
  account: string,
  { tool, state }: Pick<CallFilters, 'tool' | 'state'>,
  most: number,
  signal: AbortSignal,
): Promise<TreeCalls> => {
  const query = {
    ...(tool === undefined ? {} : { tool }),
    ...(state === undefined ? {} : { state }),
    limit: Math.min(MOST_OF_TREE, most),
  };
  const { body } = await management.call('account.tree.calls', {
    params: { account },
    query,
    signal,
  });
  return body;
};
