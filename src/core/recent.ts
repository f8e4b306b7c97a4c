/**
 * Memoizes at most `limit` results and evicts the oldest first. Callers choose the keys, so an unbounded memo would let them
 * exhaust the isolate's memory (CWE-770).
 */
export const recent = <T, V>(
  limit: number,
  keyOf: (input: T) => string | number,
  make: (input: T) => V,
): ((input: T) => V) => {
  const kept = new Map<string | number, V>();
  return (input) => {
    const key = keyOf(input);
    const known = kept.get(key);
    if (known !== undefined) return known;
    const made = make(input);
    const oldest = kept.size < limit ? undefined : kept.keys().next().value;
    if (oldest !== undefined) kept.delete(oldest);
    kept.set(key, made);
    return made;
  };
};
