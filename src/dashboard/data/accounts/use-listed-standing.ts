import type { Seconds } from '../../../core/clock.ts';
import { queueRead } from '../reading/read-queue.ts';
import { useQuery } from '../reading/query.ts';
import { gatewayNow } from '../gateway/gateway-clock.ts';
import { sessionMemory } from '../reading/session-memory.ts';
import type { Standing } from './standing.ts';

/** A list reads each account from its object, which costs money, so results are kept this long. */
const KEPT_SECONDS = 10;
const MAX_KEPT = 1000;

const keptStandings = sessionMemory(
  () => new Map<string, { readonly standing: Standing; readonly at: Seconds }>(),
);

/** Accounts that this tab changed: the next read of each ignores the kept result, and the result of a read that is already running. */
const changed = new Set<string>();

/** The standing of an account in a list, queued behind those of other rows, and kept for ten seconds. */
export const useListedStanding = (account: string) => {
  const query = useQuery<Standing>(
    `listed standing ${account}`,
    async (management, signal) => {
      const kept = keptStandings();
      const known = changed.delete(account) ? undefined : kept.get(account);
      if (known !== undefined && gatewayNow() - known.at < KEPT_SECONDS) return known.standing;
      return await queueRead(async () => {
        const { body } = await management.call('account.get', { params: { account }, signal });
        if (kept.size >= MAX_KEPT) kept.clear();
        kept.set(account, { standing: body, at: gatewayNow() });
        return body;
      }, signal);
    },
    KEPT_SECONDS,
  );
  /** Reads again after a change. */
  const refresh = (): void => {
    changed.add(account);
    query.refresh();
  };
  return { ...query, refresh };
};
