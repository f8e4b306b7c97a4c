/** Whether every tool id that the pattern `inner` matches, `outer` matches too. An id is the pattern of itself. */
const contains = (outer: string, inner: string): boolean =>
  outer === '*' ||
  outer === inner ||
  // The dot stays: `pay.*` must not reach `payroll`, nor `pay` itself.
  (outer.endsWith('.*') && inner.startsWith(outer.slice(0, -1)));

/** Whether one of `patterns` (ids, `prefix.*`, `*`) is about the tool. An empty list is about none. */
export const matchesTool = (patterns: readonly string[], id: string): boolean =>
  patterns.some((pattern) => contains(pattern, id));

/** Whether every pattern of a child is inside some pattern of its parent: a grant is never wider than its parent (design §4.5). */
export const coversPatterns = (parent: readonly string[], child: readonly string[]): boolean =>
  child.every((pattern) => matchesTool(parent, pattern));
