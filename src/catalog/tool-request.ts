import { canonicalJson } from '../core/canonical-json.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { FieldFault } from '../protocol/fault.ts';
import { type ArgumentPlace, isBodilessMethod } from './argument-place.ts';
import { placeholdersOf, segmentOf } from './placeholder.ts';
import type { Tool } from './tool.ts';
import { templateOf } from './upstream.ts';

/** The arguments of an MCP call, from strict JSON. */
export type ToolArguments = Readonly<Record<string, unknown>>;

/** The HTTP request for an MCP call: what an HTTP caller would send to the tool's path at the gateway. */
export type ToolRequest = {
  readonly method: string;
  /** Path at the gateway with the query: `upstreamUrlOf` and `readParams` take it. */
  readonly target: string;
  /** `application/json`, or empty without a body. */
  readonly contentType: string;
  /** Names in lower case, all of them among the tool's `requestHeaders`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
};

/** `MAX_TARGET` of HTTP calls. */
const MAX_TARGET = 4_096;
const MAX_HEADER = 1_024;
/** Visible ASCII, with spaces inside: no header can be added (CWE-113). */
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * Builds the HTTP request for the arguments of an MCP call. Numbers, booleans and text go into path, query and headers; an array repeats a
 * key of the query. Everything else fits only into the body.
 *
 * @param values validated by `validateArguments`.
 * @returns faults whose fields are `arguments.<name>`.
 */
export const requestOf = (
  tool: Tool,
  values: ToolArguments,
): Result<ToolRequest, readonly FieldFault[]> => {
  const faults: FieldFault[] = [];
  const query: string[] = [];
  const headers: Record<string, string> = {};
  const members = new Map<string, unknown>();
  let whole: { readonly value: unknown } | undefined;
  const taken = new Set<string>();
  for (const [name, value] of Object.entries(values)) {
    const fault = (reason: string) => faults.push({ field: `arguments.${name}`, reason });
    const place = placeOf(tool, name);
    const [[kind, key] = ['', '']] = Object.entries(place);
    // An argument without a place may have the name of another argument's place; the upstream would choose between the two.
    if (taken.has(`${kind}:${key}`)) {
      fault('has the place of another argument');
      continue;
    }
    taken.add(`${kind}:${key}`);
    if ('pointer' in place) {
      if (place.pointer === '') whole = { value };
      else members.set(place.pointer.slice(1).replaceAll('~1', '/').replaceAll('~0', '~'), value);
      continue;
    }
    const texts = textsOf(value);
    if (texts === undefined) fault('must be text, a number, a boolean, or an array of them');
    else if ('query' in place)
      query.push(...texts.map((text) => `${encoded(key)}=${encoded(text)}`));
    else if (Array.isArray(value)) fault('must be one value');
    else if ('header' in place) {
      const [text = ''] = texts;
      if (text.length <= MAX_HEADER && HEADER_VALUE.test(text)) headers[key] = text;
      else fault(`must be 1 to ${MAX_HEADER} printable ASCII characters`);
    } else {
      const segment = segmentOf(texts[0] ?? '');
      if (segment.ok) query.push(`${encoded(key)}=${segment.value}`);
      else fault(segment.error);
    }
  }
  for (const name of placeholdersOf(templateOf(tool.upstream))) {
    if (!taken.has(`path:${name}`)) {
      faults.push({
        field: `arguments.${argumentOf(tool, name)}`,
        reason: 'is missing: it is part of the path',
      });
    }
  }
  if (whole !== undefined && members.size > 0) {
    faults.push({ field: 'arguments', reason: 'have members that have no place in the request' });
  }
  const body = bodyOf(tool, whole, members);
  if (body !== undefined && body.byteLength > tool.maxBodyBytes) {
    faults.push({
      field: 'arguments',
      reason: `must be at most ${tool.maxBodyBytes} bytes as JSON`,
    });
  }
  const target = tool.path.replace(/\/\*$/, '') + (query.length === 0 ? '' : `?${query.join('&')}`);
  if (target.length > MAX_TARGET) {
    faults.push({ field: 'arguments', reason: `make a URL of more than ${MAX_TARGET} characters` });
  }
  if (faults.length > 0) return err(faults);
  const method = tool.method === '*' ? 'POST' : tool.method;
  return ok({
    ...{ method, target, headers, body },
    contentType: body === undefined ? '' : 'application/json',
  });
};

/** Returns where an argument goes. One without a place goes where the tool's method expects it. */
export const placeOf = (tool: Tool, name: string): ArgumentPlace => {
  const declared = Object.hasOwn(tool.arguments, name) ? tool.arguments[name] : undefined;
  if (declared !== undefined) return declared;
  if (placeholdersOf(templateOf(tool.upstream)).includes(name)) return { path: name };
  return isBodilessMethod(tool.method) || tool.method === 'DELETE'
    ? { query: name }
    : { pointer: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` };
};

/** Returns the argument that fills a placeholder. */
const argumentOf = (tool: Tool, placeholder: string): string =>
  Object.entries(tool.arguments).find(
    ([, place]) => 'path' in place && place.path === placeholder,
  )?.[0] ?? placeholder;

/** A tool that takes members of a body gets an object even if the call has none of them. */
const bodyOf = (
  tool: Tool,
  whole: { readonly value: unknown } | undefined,
  members: ReadonlyMap<string, unknown>,
): Uint8Array<ArrayBuffer> | undefined => {
  if (whole !== undefined) return bytesOf(whole.value);
  const places = Object.values(tool.arguments);
  const takesMembers = places.some((place) => 'pointer' in place && place.pointer !== '');
  const takesBody =
    !isBodilessMethod(tool.method) && tool.method !== 'DELETE' && places.length === 0;
  return members.size > 0 || takesMembers || takesBody
    ? bytesOf(Object.fromEntries(members))
    : undefined;
};

const bytesOf = (value: unknown): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(canonicalJson(value)) as Uint8Array<ArrayBuffer>;

/** Returns the texts of a value outside the body; undefined if it has no plain text. */
const textsOf = (value: unknown): readonly string[] | undefined => {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = items.map((item) => {
    if (typeof item === 'string') return item.isWellFormed() ? item : undefined;
    return typeof item === 'number' || typeof item === 'boolean' ? String(item) : undefined;
  });
  return texts.every((text) => text !== undefined) ? texts : undefined;
};

const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());
