import type { ParamSource, Tool } from '../catalog/tool.ts';
import { decodeUtf8, utf8 } from '../crypto/bytes.ts';
import { MAX_PARAM_BYTES } from '../policy/fields.ts';
import type { Param } from '../protocol/account/call.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import type { ParamsRequest } from './paid-request.ts';

/** Media types that every upstream decodes as JSON: a form parser would find other fields in the same bytes. */
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json *(?:; *charset="?utf-8"? *)?$/i;
const INDEX = /^(?:0|[1-9][0-9]{0,8})$/;

/**
 * Reads the parameters that a tool declares. A policy rule must see what the upstream will see, so a value that two parsers could read
 * differently counts as not found, and a rule refuses a parameter that is not found.
 */
export const readParams = (tool: Tool, request: ParamsRequest): Readonly<Record<string, Param>> => {
  const declared = Object.entries(tool.params);
  if (declared.length === 0) return {};
  const query = queryOf(request.target);
  const body = declared.some(([, source]) => 'pointer' in source) ? jsonOf(request) : undefined;
  return Object.fromEntries(
    declared.map(([name, source]) => [name, paramOf(valueOf(source, query, body))]),
  );
};

const valueOf = (
  source: ParamSource,
  query: readonly (readonly [string, string])[],
  body: unknown,
): unknown => ('query' in source ? onlyOf(query, source.query) : at(body, source.pointer));

/** Returns the pairs of the query; none if it has a `;`, which some servers treat like `&`. */
const queryOf = (target: string): readonly (readonly [string, string])[] => {
  const [, search = ''] = /\?(.*)$/s.exec(target) ?? [];
  return search.includes(';') ? [] : [...new URLSearchParams(search)];
};

const jsonOf = ({ contentType, body }: ParamsRequest): unknown => {
  if (body === undefined || !JSON_TYPE.test(contentType)) return undefined;
  const text = decodeUtf8(body);
  const json = text === undefined ? undefined : parseStrictJson(text);
  return json?.ok === true ? json.value : undefined;
};

/** Folds a key as lenient parsers do: Go's JSON and some query parsers ignore Unicode case; PHP and qs read `a[]` as `a`. */
export const folded = (key: string): string =>
  key.split('[', 1).join('').toLowerCase().toUpperCase();

/** Returns the value of a key, unless a lenient parser could take another key for it. */
const onlyOf = (entries: readonly (readonly [string, unknown])[], key: string): unknown => {
  const wanted = folded(key);
  const [first, ...more] = entries.filter(([each]) => folded(each) === wanted);
  return first?.[0] === key && more.length === 0 ? first[1] : undefined;
};

/** Resolves an RFC 6901 pointer; own members only, never inherited ones. */
const at = (root: unknown, pointer: string): unknown =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((value, token) => {
      if (Array.isArray(value)) return INDEX.test(token) ? value[Number(token)] : undefined;
      return typeof value === 'object' && value !== null
        ? onlyOf(Object.entries(value), token)
        : undefined;
    }, root);

const paramOf = (value: unknown): Param => {
  const text = typeof value === 'string' ? value : plain(value);
  return text !== undefined && utf8(text).length <= MAX_PARAM_BYTES
    ? { found: true, value: text }
    : { found: false };
};

/** Returns a boolean or number as text; undefined if the number is not exact, because a rule would compare another one. */
const plain = (value: unknown): string | undefined => {
  if (typeof value !== 'boolean' && typeof value !== 'number') return undefined;
  const text = String(value);
  return Math.abs(Number(value)) <= Number.MAX_SAFE_INTEGER && !text.includes('e-')
    ? text
    : undefined;
};
