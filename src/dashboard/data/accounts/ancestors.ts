import type { AnswerOf, Management } from '../../../client/management.ts';
import { isUnknownAccount } from '../gateway/problem.ts';
import { useQuery } from '../reading/query.ts';

type Ancestor = Pick<AnswerOf<'account.get'>, 'account' | 'label' | 'money' | 'parent'>;

/** A chain of grants has at most three (docs/wire-format.md §16). */
const MOST_ABOVE = 3;

const readAncestor = async (
  management: Management,
  account: string,
  signal: AbortSignal,
): Promise<Ancestor | undefined> => {
  try {
    return (await management.call('account.get', { params: { account }, signal })).body;
  } catch (thrown) {
    if (isUnknownAccount(thrown)) return undefined;
    throw thrown;
  }
};

/** The ancestors of an agent that the reader may see, nearest first. */
export const useAncestors = (parent: string) =>
  useQuery(`ancestors from ${parent}`, async (management, signal): Promise<readonly Ancestor[]> => {
    const found: Ancestor[] = [];
    let next: string | undefined = parent;
    while (next !== undefined && found.length < MOST_ABOVE) {
      const read: Ancestor | undefined = await readAncestor(management, next, signal);
      if (read === undefined) break;
      found.push(read);
      next = read.parent;
    }
    return found;
  });
