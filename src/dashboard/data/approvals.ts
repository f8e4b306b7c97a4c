import type { ItemOf } from '../../client/management.ts';
import { firstRows, type Rows } from './list.ts';
import { useQuery } from './query.ts';

const SECONDS = 5;
const MOST = 100;

/** Calls that wait for a person, oldest first: of an account and its descendants, or of all accounts for an operator. */
export const useApprovals = (account: string | undefined) =>
  useQuery<Rows<ItemOf<'approvals.list'>>>(
    `approvals ${account ?? 'of all'}`,
    (management, signal) =>
      account === undefined
        ? firstRows(management, 'approvals.list', {}, MOST, signal)
        : firstRows(management, 'account.approvals', { params: { account } }, MOST, signal),
    SECONDS,
  );
