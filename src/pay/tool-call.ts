import { err, ok, type Result } from '../core/result.ts';
import { type ArgumentField, keyOf, readValue, type Value } from './argument-field.ts';
import type { PayTool } from './pay-tool.ts';

/** The request that the wallet pays for. */
export type ToolCall = {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string | undefined;
};

/** The faults to mend, by the key of the field. */
export type Faults = ReadonlyMap<string, string>;

/** Printable ASCII: nothing that a person types can add a header (CWE-113). */
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
/** Segments that browsers resolve, so that the request would go to another tool. */
const DOTS = /(?:^|[/\\])\.{1,2}(?:[/\\]|$)/;
/** The longest path with query that the gateway takes. */
const MAX_TARGET = 4096;

/** Builds the request from the typed values. Each fault names its field. */
export const toolCallOf = (
  tool: PayTool,
  typed: ReadonlyMap<string, string>,
): Result<ToolCall, Faults> => {
  const faults = new Map<string, string>();
  const given: (readonly [ArgumentField, Value])[] = [];
  for (const field of tool.fields) {
    const read = readValue(field, typed.get(keyOf(field)) ?? '');
    if (!read.ok) faults.set(keyOf(field), read.error);
    else if (read.value !== undefined) given.push([field, read.value]);
  }
  const at = (place: ArgumentField['place']) => given.filter(([field]) => field.place === place);
  for (const [field, value] of at('header')) {
    if (!HEADER_VALUE.test(String(value)))
      faults.set(keyOf(field), 'Use only unaccented letters, digits and punctuation.');
  }
  for (const [field, value] of at('rest')) {
    if (DOTS.test(String(value)))
      faults.set(keyOf(field), 'Do not use "." or ".." between slashes.');
  }
  const target = tool.path + restOf(at('rest')) + queryOf(at('query'), at('search'));
  const first = tool.fields[0];
  if (target.length > MAX_TARGET && first !== undefined) {
    faults.set(
      keyOf(first),
      `All values together are too long: the address may have at most ${MAX_TARGET} characters.`,
    );
  }
  if (faults.size > 0) return err(faults);
  const body = bodyOf(tool, at('member'), at('body'));
  const headers = Object.fromEntries(
    at('header').map(([{ name }, value]) => [name, String(value)]),
  );
  return ok({
    method: tool.method,
    target,
    headers: body === undefined ? headers : { ...headers, 'Content-Type': 'application/json' },
    body,
  });
};

type Given = readonly (readonly [ArgumentField, Value])[];

/** Each segment is encoded, so that no text adds a query. */
const restOf = (given: Given): string =>
  given
    .map(([, value]) => String(value).split('/').map(encoded).join('/'))
    .join('/')
    .replace(/^\//, '');

const queryOf = (given: Given, search: Given): string => {
  const pairs = given.flatMap(([{ name }, value]) =>
    (Array.isArray(value) ? (value as readonly unknown[]) : [value]).map(
      (each) => `${encoded(name)}=${encoded(String(each))}`,
    ),
  );
  const raw = search.map(([, value]) => String(value).replace(/^\?/, ''));
  const query = [...pairs, ...raw].filter((part) => part !== '').join('&');
  return query === '' ? '' : `?${query}`;
};

/** A tool that takes members gets an object even if the person left out all of them. */
const bodyOf = ({ fields }: PayTool, members: Given, whole: Given): string | undefined => {
  const [only] = whole;
  if (only !== undefined) return JSON.stringify(only[1]);
  return fields.some(({ place }) => place === 'member')
    ? JSON.stringify(Object.fromEntries(members.map(([{ name }, value]) => [name, value])))
    : undefined;
};

const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());

/** The initial values of the form: those in the opened address, if it is the tool's. */
export const valuesIn = (
  tool: PayTool,
  { pathname, search }: Pick<URL, 'pathname' | 'search'>,
): ReadonlyMap<string, string> => {
  const isHere = tool.path.endsWith('/') ? pathname.startsWith(tool.path) : pathname === tool.path;
  if (!isHere) return new Map();
  const query = new URLSearchParams(search);
  return new Map(
    tool.fields.flatMap((field): (readonly [string, string])[] => {
      const { name, place } = field;
      const key = keyOf(field);
      if (place === 'rest') return [[key, decoded(pathname.slice(tool.path.length))]];
      if (place === 'search') return [[key, search]];
      return place === 'query' && query.has(name) ? [[key, query.getAll(name).join('\n')]] : [];
    }),
  );
};

const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

/** Adds the query of the opened address as one field, if the tool declares no arguments. */
export const withOpenedQuery = (tool: PayTool, { search }: Pick<URL, 'search'>): PayTool => {
  if (search === '' || tool.fields.some(({ place }) => place !== 'rest')) return tool;
  const entry = { kind: 'text', least: 0, most: MAX_TARGET } as const;
  const query = {
    name: 'Query',
    place: 'search',
    isRequired: false,
    description: '',
    entry,
  } as const;
  return { ...tool, fields: [...tool.fields, query] };
};
