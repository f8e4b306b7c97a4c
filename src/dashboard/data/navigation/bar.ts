/** Pages that the bar of a narrow screen has room for. */
const MOST_USED = ['/', '/agents', '/calls', '/spending', '/approvals'] as const;

/** The pages in the bar of a narrow screen. The current one is always there, in place of the last. */
export const barOf = (current: string | undefined): ReadonlySet<string> => {
  const most: readonly string[] = MOST_USED;
  return new Set(
    current === undefined || most.includes(current) ? most : [...most.slice(0, -1), current],
  );
};
