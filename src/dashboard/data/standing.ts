import type { AnswerOf } from '../../client/management.ts';
import { useQuery } from './query.ts';
import type { Scope } from './scope.ts';

/** The standing of an account: its policies, its grants, its money, and what remains of each limit. */
export type Standing = AnswerOf<'account.get'>;

/** How often the standing of one account is read while its page is visible. */
const STANDING_SECONDS = 5;

export const useStanding = (account: string) =>
  useQuery<Standing>(
    `standing ${account}`,
    async (management, signal) =>
      (await management.call('account.get', { params: { account }, signal })).body,
    STANDING_SECONDS,
  );

/** What a part of the page of one account gets. */
export type PartProps = {
  readonly account: string;
  readonly scope: Scope;
  readonly standing: Standing;
  /** Called after a change, to read the standing again. */
  readonly onDone: () => void;
};
