import type { ItemOf, RequestOf } from '../../../client/management.ts';
import { firstRows, type Rows } from '../reading/list.ts';
import { useQuery } from '../reading/query.ts';

export type Approval = ItemOf<'approvals.list'>;

const SECONDS = 5;
const MOST = 100;

const useListed = (
  state: NonNullable<NonNullable<RequestOf<'approvals.list'>['query']>['state']>,
  account: string | undefined,
) =>
  useQuery<Rows<Approval>>(
    `approvals ${state} ${account ?? 'of all'}`,
    (management, signal) => {
      const query = { state };
      return account === undefined
        ? firstRows(management, 'approvals.list', { query }, MOST, signal)
        : firstRows(management, 'account.approvals', { params: { account }, query }, MOST, signal);
    },
    SECONDS,
  );

/** Calls that wait for a person, oldest first: of an account and its descendants, or of all accounts for an operator. */
export const useApprovals = (account: string | undefined) => useListed('waiting', account);

/** Calls that a person approved and that wait for their agents to repeat them. */
export const useApproved = (account: string | undefined) => useListed('approved', account);
