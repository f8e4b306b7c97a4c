import { isObject } from '../core/json-object.ts';
import { readText } from '../core/read-text.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import type { CardScrubber } from './card-digits.ts';

/** The part of a merchant's answer that the caller sees. */
export type FilteredAnswer = {
  /** 200, 422 if the merchant refused (4xx), or 502. The merchant's own number could be a CVC. */
  readonly status: 200 | 422 | 502;
  /** The members on the allow-list, scrubbed. Empty if the answer is not a JSON object. */
  readonly body: Scalars;
};

/** Objects of texts, numbers, booleans and null. */
export type Scalars = { readonly [member: string]: Scalar | Scalars };
type Scalar = string | number | boolean | null;

/** The longest answer that is read, and the longest text that passes: a longer one could carry a card in pieces. */
const MAX_ANSWER = 256 * 1_024;
const MAX_TEXT = 256;

/**
 * Reads a merchant's answer and keeps only the members that the tool's pointers name (RFC 6901), without following arrays. No header, no status line
 * and no other part of the body passes: a CVC has no form that a scrubber could recognise.
 */
export const filterAnswer = async (
  response: Response,
  pointers: readonly string[],
  scrub: CardScrubber,
): Promise<FilteredAnswer> => {
  const { status } = response;
  const seen = status >= 200 && status < 300 ? 200 : status >= 400 && status < 500 ? 422 : 502;
  const json = await readObject(response);
  return { status: seen, body: json === undefined ? {} : filtered(json, pointers, scrub) };
};

/** The members that pointers name, in the shape of the source. */
export const filtered = (
  source: Readonly<Record<string, unknown>>,
  pointers: readonly string[],
  scrub: CardScrubber,
): Scalars => {
  const kept: Record<string, Scalar | Scalars> = {};
  for (const pointer of pointers) {
    const keys = keysOf(pointer);
    const found = scalarAt(source, keys, scrub);
    if (found !== undefined) put(kept, keys, found);
  }
  return kept;
};

/** @returns undefined for an answer that is not a JSON object, is too long, or breaks off */
const readObject = async (
  response: Response,
): Promise<Readonly<Record<string, unknown>> | undefined> => {
  try {
    const text = await readText(response, MAX_ANSWER);
    const json = text === undefined ? undefined : parseStrictJson(text);
    return json?.ok === true && isObject(json.value) ? json.value : undefined;
  } catch {
    return undefined;
  }
};

const keysOf = (pointer: string): readonly string[] =>
  pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));

const scalarAt = (
  source: unknown,
  keys: readonly string[],
  scrub: CardScrubber,
): Scalar | undefined => {
  let at = source;
  for (const key of keys) {
    if (!isObject(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  if (typeof at === 'string') return at.length > MAX_TEXT ? undefined : scrub(at);
  if (typeof at === 'number') {
    const text = String(at);
    const scrubbed = scrub(text);
    return scrubbed === text ? at : scrubbed;
  }
  return typeof at === 'boolean' || at === null ? at : undefined;
};

const put = (target: Record<string, Scalar | Scalars>, keys: readonly string[], value: Scalar) => {
  let at = target;
  for (const key of keys.slice(0, -1)) {
    const next = at[key];
    // Another pointer ends here: `/a` and `/a/b` cannot both apply.
    const inner = isObject(next) ? (next as Record<string, Scalar | Scalars>) : {};
    at[key] = inner;
    at = inner;
  }
  at[keys.at(-1) ?? ''] = value;
};
