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

/** Changes one filter, and others with it. An empty value removes a filter. */
export type ChangeFilter<Name extends string> = (
  name: Name,
  value: string,
  others?: Filters<Name>,
) => void;

/** The filters in the address bar. Each change is an entry of the history, so the back button undoes it. */
export const useFilters = <const Name extends string>(
  names: readonly Name[],
): readonly [Filters<Name>, ChangeFilter<Name>] => {
  const [search, setSearch] = useSearchParams();
  const filters = Object.fromEntries(
    names.flatMap((name) => {
      const value = search.get(name)?.trim() ?? '';
      return value === '' ? [] : [[name, value]];
    }),
  ) as Filters<Name>;
  const change: ChangeFilter<Name> = (name, value, others = {}) => {
    setSearch((before) => {
      const after = new URLSearchParams(before);
      for (const [each, text] of Object.entries<string>({ ...others, [name]: value })) {
        if (text === '') after.delete(each);
        else after.set(each, text);
      }
      return after;
    });
  };
  return [filters, change];
};
