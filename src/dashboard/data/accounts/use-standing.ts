import type { Standing } from './standing.ts';
import { useQuery } from '../reading/query.ts';

/** How often the standing of one account is read while its page is visible. */
const STANDING_SECONDS = 5;

/** The standing of one account, as its page shows it. */
export const useStanding = (account: string) =>
  useQuery<Standing>(
    `standing ${account}`,
    async (management, signal) =>
      (await management.call('account.get', { params: { account }, signal })).body,
    STANDING_SECONDS,
  );
