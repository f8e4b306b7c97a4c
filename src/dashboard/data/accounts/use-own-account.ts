import { isUnknownAccount } from '../gateway/problem.ts';
import { type Read, useQuery } from '../reading/query.ts';
import { type OwnAccount, ownAccountOf } from './own-account.ts';

const MINUTE = 60;

/** The account of the person who grants. @param account undefined for an operator, whose account is not read */
export const useOwnAccount = (account: string | undefined): Read<OwnAccount> =>
  useQuery(
    `own account ${account ?? ''}`,
    async (management, signal): Promise<OwnAccount> => {
      if (account === undefined) return ownAccountOf({ grants: [], money: [] });
      try {
        const { body } = await management.call('account.get', { params: { account }, signal });
        return ownAccountOf(body);
      } catch (thrown) {
        // An owner that has paid and granted nothing yet has no account.
        if (isUnknownAccount(thrown)) return ownAccountOf({ grants: [], money: [] });
        throw thrown;
      }
    },
    MINUTE,
  );
