import canonicalize from 'canonicalize';

/** A person's changes, applied to a version that another writer has stored meanwhile. `both`: members that both changed. */
export type Rebased<T> = { readonly document: T; readonly both: readonly string[] };

const isSame = (a: unknown, b: unknown): boolean =>
  canonicalize(a ?? null) === canonicalize(b ?? null);

/**
 * Applies the changes from `before` to `mine` to `stored`. If both changed a member, `mine` wins: the person sees both before the wallet
 * signs.
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
