import type { ItemOf } from '../../../client/management.ts';
import { firstRows, type Rows } from '../reading/list.ts';
import { isUnknownAccount } from '../gateway/problem.ts';
import { useQuery } from '../reading/query.ts';
import type { Scope } from '../session/scope.ts';

/** How many grants of one issuer a page searches for one agent. */
const MOST_ISSUED = 2_000;

/** The grants that the signed-in account has issued. An operator reads those of accounts, and issues none. */
export const useOwnIssued = ({ account }: Scope) =>
  useQuery(
    `issued by ${account}`,
    async (management, signal): Promise<Pick<Rows<ItemOf<'account.tree'>>, 'items'>> => {
      try {
        return await firstRows(
          management,
          'account.tree',
          { params: { account } },
          MOST_ISSUED,
          signal,
        );
      } catch (thrown) {
        // An account that has paid and granted nothing has issued nothing.
        if (isUnknownAccount(thrown)) return { items: [] };
        throw thrown;
      }
    },
  );
