import { bytesToHex } from '@noble/hashes/utils.js';
import { isObject } from '../core/json-object.ts';
import { err, ok, type Result } from '../core/result.ts';
import { decodeUtf8, encodeBase64, utf8 } from '../crypto/bytes.ts';
import { inexactNumber } from '../protocol/exact-numbers.ts';
import type { FieldFault } from '../protocol/fault.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import type { Guarded } from './automaton.ts';
import type { Placement } from './placement.ts';
import { isHeaderText, type SecretValue } from './secret.ts';
import { hmacSha256, signSigV4 } from './sigv4.ts';

/** A request to an upstream, before its secrets are placed. */
export type Draft = {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | null;
};

/** A request with its secrets, and every text that its answer must not contain. */
export type PlacedRequest = Draft & { readonly guarded: readonly Guarded[] };

type Placing = { draft: Draft; readonly guarded: Guarded[]; readonly now: number };

/** A placement with the value of its secret. */
export type Filled = { readonly placement: Placement; readonly value: SecretValue };

/** Why a placement cannot be filled: a fault of the tool or its secret, or of the caller's request. */
export type PlaceFault =
  | { readonly kind: 'tool' }
  | { readonly kind: 'request'; readonly fault: FieldFault };

/**
 * Puts secrets into a request. Values that the caller sent in their places are removed. Signatures come last, because they cover the rest.
 *
 * @param now Unix milliseconds
 */
export const placeSecrets = async (
  draft: Draft,
  filled: readonly Filled[],
  now: number,
): Promise<Result<PlacedRequest, PlaceFault>> => {
  const placing: Placing = {
    draft: { ...draft, headers: new Headers(draft.headers) },
    guarded: [],
    now,
  };
  const isSignature = ({ placement }: Filled) =>
    placement.in === 'hmac' || placement.in === 'sigv4';
  for (const each of [...filled].sort((a, b) => Number(isSignature(a)) - Number(isSignature(b)))) {
    for (const text of Object.values(each.value.texts)) {
      placing.guarded.push({ name: each.placement.secret, text });
    }
    const fault = await place(placing, each);
    if (fault !== undefined) return err(fault);
  }
  return ok({ ...placing.draft, guarded: placing.guarded });
};

const TOOL_FAULT: PlaceFault = { kind: 'tool' };

const place = async (
  placing: Placing,
  { placement, value }: Filled,
): Promise<PlaceFault | undefined> => {
  if (placement.in === 'sigv4') return await placeSigV4(placing, placement, value);
  const text = textOf(placement, value);
  if (text === undefined) return TOOL_FAULT;
  const { draft } = placing;
  switch (placement.in) {
    case 'header': {
      const name = placement.name ?? (value.kind === 'header' ? value.label : undefined);
      // An error of `Headers.set` would contain the value, so check first.
      if (name === undefined || !isHeaderText(text)) return TOOL_FAULT;
      draft.headers.set(name, `${placement.prefix ?? ''}${text}`);
      return undefined;
    }
    case 'basic': {
      if (value.kind !== 'basic') return TOOL_FAULT;
      const credentials = encodeBase64(utf8(`${value.label}:${text}`));
      draft.headers.set('authorization', `Basic ${credentials}`);
      placing.guarded.push({ name: placement.secret, text: credentials });
      return undefined;
    }
    case 'query': {
      placing.draft = { ...draft, url: withParameter(draft.url, placement.name, text) };
      return undefined;
    }
    case 'form':
      return placeForm(placing, placement.name, text);
    case 'json':
      return placeJson(
        placing,
        placement.pointer,
        `${placement.prefix ?? ''}${text}${placement.suffix ?? ''}`,
      );
    case 'hmac':
      return await placeHmac(placing, placement, text);
  }
};

/** The text that a placement puts: the only one of its secret, or the named one of a `json` secret. */
const textOf = (
  { field }: { readonly field?: string | undefined },
  { kind, texts }: SecretValue,
): string | undefined => {
  if (kind === 'json')
    return field !== undefined && Object.hasOwn(texts, field) ? texts[field] : undefined;
  return field === undefined ? Object.values(texts)[0] : undefined;
};

const decodedName = (pair: string): string => [...new URLSearchParams(`&${pair}`).keys()][0] ?? '';

/** Removes the parameters of a name and appends one. All others stay exactly as signed. */
const withPair = (pairs: string, name: string, text: string): string =>
  [
    ...pairs.split('&').filter((pair) => pair !== '' && decodedName(pair) !== name),
    `${name}=${encodeURIComponent(text)}`,
  ].join('&');

const withParameter = (url: string, name: string, text: string): string => {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  return `${path}?${withPair(at < 0 ? '' : url.slice(at + 1), name, text)}`;
};

const requestFault = (field: string, reason: string): PlaceFault => ({
  kind: 'request',
  fault: { field, reason },
});

const mediaTypeOf = (headers: Headers): string =>
  (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

const placeForm = (placing: Placing, name: string, text: string): PlaceFault | undefined => {
  const { draft } = placing;
  const type = mediaTypeOf(draft.headers);
  const form = draft.body === null ? '' : decodeUtf8(draft.body);
  if (form === undefined || (draft.body !== null && type !== 'application/x-www-form-urlencoded')) {
    return requestFault('body', 'must be application/x-www-form-urlencoded');
  }
  draft.headers.set('content-type', 'application/x-www-form-urlencoded');
  placing.draft = { ...draft, body: new Uint8Array(utf8(withPair(form, name, text))) };
  return undefined;
};

const placeJson = (placing: Placing, pointer: string, text: string): PlaceFault | undefined => {
  const { draft } = placing;
  const written = draft.body === null ? '{}' : decodeUtf8(draft.body);
  const json = written === undefined ? undefined : parseStrictJson(written);
  if (written === undefined || json?.ok !== true || !isObject(json.value)) {
    return requestFault('body', 'must be a JSON object');
  }
  // The body is written again, so a number that a double cannot hold would change.
  const inexact = inexactNumber(written);
  if (inexact !== undefined)
    return requestFault('body', `holds a number that a double cannot hold: ${inexact}`);
  const keys = pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop() ?? '';
  let parent = json.value as Record<string, unknown>;
  for (const key of keys) {
    if (key === '__proto__') return TOOL_FAULT;
    const next = Object.hasOwn(parent, key) ? parent[key] : {};
    if (!isObject(next))
      return requestFault(
        'body',
        `must have an object at ${pointer.slice(0, pointer.lastIndexOf('/'))}`,
      );
    parent[key] = next;
    parent = next as Record<string, unknown>;
  }
  if (last === '__proto__') return TOOL_FAULT;
  parent[last] = text;
  if (mediaTypeOf(draft.headers) === '') draft.headers.set('content-type', 'application/json');
  placing.draft = { ...draft, body: new Uint8Array(utf8(JSON.stringify(json.value))) };
  return undefined;
};

const placeHmac = async (
  placing: Placing,
  {
    secret,
    name,
    over,
    separator = '\n',
    timestamp,
    encoding = 'hex',
    prefix = '',
  }: Extract<Placement, { in: 'hmac' }>,
  key: string,
): Promise<undefined> => {
  const { draft, now } = placing;
  const at = Math.floor(now / 1000).toString();
  const { pathname, search } = new URL(draft.url);
  const parts = {
    timestamp: utf8(at),
    method: utf8(draft.method),
    target: utf8(pathname + search),
    body: draft.body ?? new Uint8Array(0),
  };
  const signed = over.flatMap((part, index) => [
    ...(index === 0 ? [] : utf8(separator)),
    ...parts[part],
  ]);
  const signature = await hmacSha256(utf8(key), Uint8Array.from(signed));
  const text = encoding === 'hex' ? bytesToHex(signature) : encodeBase64(signature);
  if (timestamp !== undefined) draft.headers.set(timestamp, at);
  draft.headers.set(name, prefix + text);
  // The signature stays valid for a while, and a reader could send the request again, so scrub it too.
  placing.guarded.push({ name: secret, text });
  return undefined;
};

const placeSigV4 = async (
  placing: Placing,
  { secret, region, service }: Extract<Placement, { in: 'sigv4' }>,
  { texts }: SecretValue,
): Promise<PlaceFault | undefined> => {
  const { draft, now } = placing;
  const { accessKeyId, secretAccessKey, sessionToken } = texts;
  if (accessKeyId === undefined || secretAccessKey === undefined) return TOOL_FAULT;
  if (!isHeaderText(accessKeyId) || !isHeaderText(sessionToken ?? 'none')) return TOOL_FAULT;
  const { method, body } = draft;
  const headers = await signSigV4({
    ...{ method, url: new URL(draft.url), body: body ?? new Uint8Array(0), region, service },
    ...{ accessKeyId, secretAccessKey, sessionToken, now },
  });
  for (const [name, text] of Object.entries(headers)) draft.headers.set(name, text);
  // Valid for 15 minutes.
  const [, signature] = /Signature=([0-9a-f]+)$/.exec(headers['authorization'] ?? '') ?? [];
  placing.guarded.push({ name: secret, text: signature ?? '' });
  return undefined;
};
