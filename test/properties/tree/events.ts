/** Counts of events in all runs, because a property that never meets a late reply proves nothing about it. */
export type Events = {
  readonly note: (event: string) => void;
  /** Returns each needed event that the runs met less than five times, with its count. */
  missed(needed: readonly string[]): string[];
};

/** An event that is met less often with one seed may not be met at all with another. Generators should meet each about 15 times. */
const MIN_TIMES = 5;

export const openEvents = (): Events => {
  const seen = new Map<string, number>();
  const times = (event: string): number => seen.get(event) ?? 0;
  return {
    note: (event) => void seen.set(event, times(event) + 1),
    missed: (needed) =>
      needed
        .filter((event) => times(event) < MIN_TIMES)
        .map((event) => `${event}: ${times(event)}`),
  };
};

const each = (statements: readonly string[], of: readonly string[]): readonly string[] =>
  of.flatMap((what) => statements.map((statement) => `${statement} ${what}`));

/** Events of a single account. `full`: the limit that denied a call. */
export const OF_ONE = [
  ...each(['full'], ['hour', 'day', 'month', '60s', '90s', 'lifetime', 'owner', 'grant']),
  ...each(['denied'], ['window own', 'lifetime own', 'per_call own', 'credit own']),
  ...each(['denied'], ['frozen own', 'paused own', 'revoked own']),
  'abandoned',
  'chain of 0',
  'chain of 1',
  'finish late',
  'kept',
  'known policy',
  'paid by credit',
  'paid by free',
  'restart',
  'rest refused own',
  'rest used',
  'resolved credit',
  'rollover',
];

const FATES = ['lost', 'late', 'asleep', 'twice', 'meanwhile', 'delivered'];

/** Events of a tree. */
export const OF_TREE = [
  ...OF_ONE,
  ...each(FATES, ['request', 'reply', 'recall', 'answer', 'give-back']),
  ...each(['denied'], ['expired own']),
  ...['window', 'lifetime', 'per_call', 'unreachable', 'frozen', 'paused', 'revoked'].map(
    (rule) => `denied ${rule} of an ancestor`,
  ),
  ...each(['short of'], ['window', 'lifetime', 'credit']),
  ...each(['refused as'], ['frozen', 'paused', 'revoked', 'expired']),
  ...each(['revoked by'], ['issuer', 'holder', 'epoch']),
  ...each(['known'], ['issue', 'take']),
  'chain of 2',
  'chain of 3',
  'consented',
  'consents later',
  'consents never',
  'contract checked',
  'credit lent',
  'forgotten',
  'grant_refused',
  'holds_leases',
  'idle',
  'moved',
  'nothing lives',
  'recalled for itself',
  'rest refused of an ancestor',
  'resolved lent',
];
