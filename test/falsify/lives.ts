import type { Booked, Books } from './books.ts';
import type { Row } from './rows.ts';

/** A hold surely stands from when it is heard of until its end is sent, or until the alarm may end it. */
export type Life = {
  readonly call: Booked;
  readonly row: Row;
  readonly began: number;
  readonly ended: number;
  readonly expired: number;
  /** What is counted until its end, and what for good. */
  readonly held: bigint;
  readonly rest: bigint;
};

export const livesOf = ({ calls, moments }: Books, rows: readonly Row[]): readonly Life[] => {
  const stored = new Set(rows.map(({ id }) => id));
  for (const { id, went } of calls.values()) {
    if (went !== undefined && !stored.has(id))
      throw new Error(`${id} was let run, and left no row`);
  }
  return rows.flatMap((row): Life[] => {
    const call = calls.get(row.id);
    // What made the tree: top-ups, and the payment that makes a payer trusted.
    if (call === undefined) return [];
    if (call.charged !== undefined && call.charged !== row.charged) {
      throw new Error(`${row.id} was charged ${call.charged}, and its row says ${row.charged}`);
    }
    const isKept = row.kept || call.kept;
    const rest = row.state === 'held' || isKept ? row.price : row.charged;
    // Every answer got lost until its time was over: nobody knows when it stood, only what is left of it.
    if (call.went === undefined) {
      const end = moments.length;
      return [{ call, row, began: end, ended: end, expired: end, held: rest, rest }];
    }
    const began = call.went.order;
    const expired = moments.find(({ at, order }) => order > began && at >= row.holdUntil);
    return [
      {
        call,
        row,
        began,
        ended: call.ending?.order ?? Infinity,
        // Just before the first moment at which the clock allows it.
        expired:
          row.state === 'abandoned' && !isKept ? (expired?.order ?? Infinity) - 0.5 : Infinity,
        held: row.price,
        rest,
      },
    ];
  });
};
