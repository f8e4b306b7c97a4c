import type { Network } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import { ok } from '../core/result.ts';
import { attempt, MAX_PAGE, type Queried } from './page.ts';
import { known } from './call-row.ts';

/** How a backend does on one network, as the isolate that wrote last saw it: a sign, not a sum. */
export type BackendItem = {
  readonly network: Network;
  /** Host of a facilitator, or `relayer`. */
  readonly backend: string;
  /** `open`: nobody asks it now. */
  readonly state: 'closed' | 'open' | 'half_open';
  readonly succeeded: number;
  readonly failed: number;
  readonly lastError?: string;
  readonly lastErrorAt?: Seconds;
  readonly at: Seconds;
};

/** As many as there are: a row a network and backend. */
export const listBackends = (db: D1Database): Queried<readonly BackendItem[]> =>
  attempt(async () => {
    const { results } = await db
      .prepare(
        `SELECT network, backend, state, succeeded, failed, last_error, last_error_at, at
         FROM backends ORDER BY network, backend LIMIT ${MAX_PAGE}`,
      )
      .all<BackendRow>();
    return ok(
      results.map(({ last_error: lastError, last_error_at: lastErrorAt, ...row }) =>
        known({ ...row, lastError, lastErrorAt }),
      ),
    );
  });

type BackendRow = Omit<BackendItem, 'lastError' | 'lastErrorAt'> & {
  readonly last_error: string | null;
  readonly last_error_at: number | null;
};
