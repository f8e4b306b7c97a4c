import type { Seconds } from '../core/clock.ts';
import { ok } from '../core/result.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import type { Handlers } from './handler.ts';
import { attempt, type Queried, withoutNulls } from './page.ts';
import type { QUEUE_ROUTES } from './queue.route.ts';
import { queryReason, refuse, reply } from './reply.ts';
import type { AnswerOf } from './routes.ts';

/** Counts of open payments and dead letters, each at most `MAX_COUNTED`. */
export type QueueDepths = {
  readonly openPayments: number;
  /** Acceptance of the oldest call with an open payment. */
  readonly oldestOpen?: Seconds;
  /** Dead letters that were not sent again. */
  readonly deadLetters: number;
  readonly oldestDeadLetter?: Seconds;
};

export const MAX_COUNTED = 10_000;

export const queueDepths = (db: D1Database): Queried<QueueDepths> =>
  attempt(async () => {
    const row = await db.prepare(DEPTHS).bind(MAX_COUNTED).first<DepthsRow>();
    return ok({
      openPayments: row?.open ?? 0,
      deadLetters: row?.letters ?? 0,
      ...withoutNulls({
        oldestOpen: row?.oldest_open ?? null,
        oldestDeadLetter: row?.oldest_letter ?? null,
      }),
    });
  });

type DepthsRow = {
  readonly open: number;
  readonly oldest_open: number | null;
  readonly letters: number;
  readonly oldest_letter: number | null;
};

const DEPTHS = `
SELECT (SELECT count(*) FROM (SELECT 1 FROM calls INDEXED BY calls_open WHERE payment = 'open' LIMIT ?1)) AS open,
  (SELECT accepted_at FROM calls INDEXED BY calls_open WHERE payment = 'open' ORDER BY accepted_at LIMIT 1) AS oldest_open, letters, oldest_letter
FROM (
  SELECT count(*) AS letters, min(at) AS oldest_letter
  FROM (SELECT at FROM dead_letters WHERE redriven_at IS NULL ORDER BY at LIMIT ?1)
)`;

export const queueHandlers: Handlers<keyof typeof QUEUE_ROUTES> = {
  queues: async ({ context }) => {
    const found = await queueDepths(context.db);
    if (!found.ok) return refuse(queryReason(found.error));
    const { openPayments, oldestOpen, deadLetters, oldestDeadLetter } = found.value;
    const body: AnswerOf<'queues'> = {
      ...{ open_settlements: openPayments, dead_letters: deadLetters },
      ...withoutUndefined({ oldest_open_at: oldestOpen, oldest_dead_letter_at: oldestDeadLetter }),
    };
    return reply(body);
  },
};
