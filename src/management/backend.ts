import { ok } from '../core/result.ts';
import type { BACKEND_ROUTES } from './backend.route.ts';
import type { Handlers } from './handler.ts';
import { attempt, MAX_ROWS, type Queried, withoutNulls } from './page.ts';
import { queryReason, refuse, reply } from './reply.ts';
import type { AnswerOf } from './routes.ts';

type BackendItem = AnswerOf<'backends'>['items'][number];
type BackendRow = Omit<BackendItem, 'last_error' | 'last_error_at'> & {
  readonly last_error: string | null;
  readonly last_error_at: number | null;
};

/** Lists every backend on every network. A backend that was never used has no row. */
const listBackends = (db: D1Database): Queried<BackendItem[]> =>
  attempt(async () => {
    const { results } = await db
      .prepare(
        `SELECT network, backend, state, succeeded, failed, last_error, last_error_at, at
         FROM backends ORDER BY network, backend LIMIT ${MAX_ROWS}`,
      )
      .all<BackendRow>();
    return ok(results.map((row) => withoutNulls(row)));
  });

export const backendHandlers: Handlers<keyof typeof BACKEND_ROUTES> = {
  backends: async ({ context }) => {
    const found = await listBackends(context.db);
    if (!found.ok) return refuse(queryReason(found.error));
    const body: AnswerOf<'backends'> = { items: found.value };
    return reply(body);
  },
};
