import canonicalize from 'canonicalize';

/** A document with the changes of a person on top of a version that another writer stored meanwhile. `both`: members that both changed. */
export type Rebased<T> = { readonly document: T; readonly both: readonly string[] };

const isSame = (a: unknown, b: unknown): boolean =>
  canonicalize(a ?? null) === canonicalize(b ?? null);

/**
 * Puts the changes from `before` to `mine` on top of `stored`. Where both changed a member, mine stays: the person has seen both before the
 * wallet signs.
 */
export const rebased = <T extends object>(before: T, mine: T, stored: T): Rebased<T> => {
  const [old, own, now] = [before, mine, stored].map(
    (version) => new Map<string, unknown>(Object.entries(version)),
  );
  const names = [
    ...new Set([...Object.keys(stored), ...Object.keys(mine), ...Object.keys(before)]),
  ];
  const changed = names.filter((name) => !isSame(old?.get(name), own?.get(name)));
  const members = names.flatMap((name) => {
    const from = changed.includes(name) ? own : now;
    return from?.has(name) === true ? [[name, from.get(name)] as const] : [];
  });
  return {
    document: Object.fromEntries(members) as T,
    both: changed.filter(
      (name) => !isSame(old?.get(name), now?.get(name)) && !isSame(own?.get(name), now?.get(name)),
    ),
  };
};
