import type { JournalCall, Journal } from './journal.ts';
import type { Row } from './rows.ts';

/**
 * The time in which a call certainly holds money: from the verdict's arrival until the caller reports the result or the hold may expire.
 */
export type CallHold = {
  readonly call: JournalCall;
  readonly row: Row;
  readonly began: number;
  readonly ended: number;
  readonly expired: number;
  /** Units that count until the end, and after it. */
  readonly held: bigint;
  readonly rest: bigint;
};

export const holdsOf = ({ calls, moments }: Journal, rows: readonly Row[]): readonly CallHold[] => {
  const stored = new Set(rows.map(({ id }) => id));
  for (const { id, admitted } of calls.values()) {
    if (admitted !== undefined && !stored.has(id))
      throw new Error(`the account admitted ${id} but stored no row`);
  }
  return rows.flatMap((row): CallHold[] => {
    const call = calls.get(row.id);
    // Skips top-ups, and the payments that made payers trusted.
    if (call === undefined) return [];
    if (call.charged !== undefined && call.charged !== row.charged) {
      throw new Error(
        `the account reported a charge of ${call.charged} for ${row.id}, and stored ${row.charged}`,
      );
    }
    const isKept = row.kept || call.kept;
    const rest = row.state === 'held' || isKept ? row.price : row.charged;
    // All answers were lost until the hold expired, so the caller knows only the final charge.
    if (call.admitted === undefined) {
      const end = moments.length;
      return [{ call, row, began: end, ended: end, expired: end, held: rest, rest }];
    }
    const began = call.admitted.order;
    const expired = moments.find(({ at, order }) => order > began && at >= row.holdUntil);
    return [
      {
        call,
        row,
        began,
        ended: call.finishing?.order ?? Infinity,
        // The last moment at which the hold cannot have expired.
        expired:
          row.state === 'abandoned' && !isKept ? (expired?.order ?? Infinity) - 0.5 : Infinity,
        held: row.price,
        rest,
      },
    ];
  });
};
