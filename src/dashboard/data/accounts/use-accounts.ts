import { type AccountFilter, readAccountPage } from './account-page.ts';
import { useQuery } from '../reading/query.ts';

/** A page of the accounts of the gateway, in the order of their ids. */
export const useAccounts = (filter: AccountFilter, after?: string) =>
  useQuery(`accounts ${JSON.stringify(filter)} ${after ?? ''}`, (management, signal) =>
    readAccountPage(management, filter, after, signal),
  );
