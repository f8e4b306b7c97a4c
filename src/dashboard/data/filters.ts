import { useSearchParams } from 'wouter-preact';

/** Filters of a list by name; an empty one is absent. */
export type Filters<Name extends string> = { readonly [name in Name]?: string };

/** An address with filters, which the address bar keeps. */
export const listAddress = (
  path: string,
  filters: Readonly<Record<string, string | undefined>>,
): string => {
  const entries = Object.entries(filters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
  );
  const query = new URLSearchParams(entries).toString();
  return query === '' ? path : `${path}?${query}`;
};

/** The filters in the address bar. Each change is an entry of the history, so the back button undoes it. */
export const useFilters = <const Name extends string>(
  names: readonly Name[],
): readonly [Filters<Name>, (name: Name, value: string) => void] => {
  const [search, setSearch] = useSearchParams();
  const filters = Object.fromEntries(
    names.flatMap((name) => {
      const value = search.get(name)?.trim() ?? '';
      return value === '' ? [] : [[name, value]];
    }),
  ) as Filters<Name>;
  const change = (name: Name, value: string): void => {
    setSearch((before) => {
      const after = new URLSearchParams(before);
      if (value === '') after.delete(name);
      else after.set(name, value);
      return after;
    });
  };
  return [filters, change];
};
