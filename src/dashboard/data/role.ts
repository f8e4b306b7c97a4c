import { CountersignError } from '../../client/errors.ts';
import type { Management } from '../../client/management.ts';
import { useQuery } from './query.ts';

export type Role = 'operator' | 'owner';

const HOUR_SECONDS = 3600;

const readRole = async (management: Management, signal: AbortSignal): Promise<Role> => {
  try {
    // It is for operators, and the gateway answers it without its database.
    await management.call('settings', { signal });
    return 'operator';
  } catch (thrown) {
    if (thrown instanceof CountersignError && thrown.response?.status === 403) return 'owner';
    throw thrown;
  }
};

/** Whether the signed-in account is an operator now. The gateway decides at each request; this only chooses what to show. */
export const useRole = () => useQuery<Role>('role', readRole, HOUR_SECONDS);
