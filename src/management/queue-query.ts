import type { Seconds } from '../core/clock.ts';
import { ok } from '../core/result.ts';
import { attempt, type Queried } from './page.ts';
import { known } from './call-row.ts';

/** How much waits. Counted up to `MAX_COUNTED`: who has more need not know how many. */
export type Depths = {
  readonly openPayments: number;
  /** Acceptance of the oldest call whose payment is under way. */
  readonly oldestOpen?: Seconds;
  /** Letters that nobody has sent again. */
  readonly deadLetters: number;
  readonly oldestDeadLetter?: Seconds;
};

export const MAX_COUNTED = 10_000;

export const depths = (db: D1Database): Queried<Depths> =>
  attempt(async () => {
    const row = await db.prepare(DEPTHS).bind(MAX_COUNTED).first<DepthsRow>();
    return ok({
      openPayments: row?.open ?? 0,
      deadLetters: row?.letters ?? 0,
      ...known({
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
SELECT (SELECT count(*) FROM (SELECT 1 FROM open_payments LIMIT ?1)) AS open,
  (SELECT at FROM open_payments ORDER BY at LIMIT 1) AS oldest_open, letters, oldest_letter
FROM (
  SELECT count(*) AS letters, min(at) AS oldest_letter
  FROM (SELECT at FROM dead_letters WHERE redriven_at IS NULL ORDER BY at LIMIT ?1)
)`;
