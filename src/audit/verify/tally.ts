import type { CheckId, Fault, Finding, HashedEntry, Verdict } from './check.ts';

/** Counts what a check finds and keeps the first broken statement. */
export type Tally = {
  /** Counts statements that are proved. */
  readonly prove: (count?: number) => void;
  /** Counts statements that depend on facts that the files cannot show. */
  readonly bound: (note: string, count?: number) => void;
  /** Counts statements whose input is missing. `note`: which input, and how to get it. */
  readonly skip: (note: string, count?: number) => void;
  /** Records a false statement about an entry. */
  readonly breakAt: (seen: HashedEntry, reason: string, field?: string) => void;
  /** Records a false statement about another line of the files. */
  readonly breakWith: (fault: Fault) => void;
  readonly finding: () => Finding;
};

/** The finding has the first note of `skip`, or else the first note of `bound`. */
export const createTally = (check: CheckId): Tally => {
  let checked = 0;
  let bounded = 0;
  let unchecked = 0;
  let boundNote: string | undefined;
  let skipNote: string | undefined;
  let first: Fault | undefined;
  const breakWith = (fault: Fault): void => {
    checked += 1;
    first ??= fault;
  };
  return {
    prove: (count = 1) => void (checked += count),
    bound: (note, count = 1) => {
      checked += count;
      bounded += count;
      boundNote ??= note;
    },
    skip: (note, count = 1) => {
      unchecked += count;
      skipNote ??= note;
    },
    breakAt: ({ entry, place }, reason, field) =>
      breakWith({
        account: entry.account,
        seq: entry.seq,
        ...place,
        ...(field === undefined ? {} : { field }),
        reason,
      }),
    breakWith,
    finding: () => {
      const note = skipNote ?? boundNote;
      const verdict: Verdict =
        first !== undefined
          ? 'BROKEN'
          : unchecked > 0
            ? 'not checked'
            : bounded > 0
              ? 'bounded'
              : 'proved';
      return {
        check,
        verdict,
        checked,
        bounded,
        unchecked,
        ...(note === undefined ? {} : { note }),
        ...(first === undefined ? {} : { first }),
      };
    },
  };
};
