import type { Config } from '../config/config.ts';
import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { decodeUtf8 } from '../crypto/bytes.ts';
import { isDryRun } from '../gateway/observe.ts';
import type { ReceivedRequest } from '../gateway/paid-request.ts';
import { type AdminRoute, PARAMS } from './routes.ts';
import { parseAccountId } from '../protocol/account-id.ts';
import type { Expected } from '../protocol/account/command.ts';
import { schemaFault } from '../protocol/fault.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { MAX_DEPTH, parseStrictJson } from '../protocol/strict-json.ts';
import type * as z from 'zod/mini';

/** The query, body and headers of a request, as its route declares them. */
type ParsedRequest = {
  readonly query: unknown;
  readonly body: unknown;
  readonly expected: Expected | undefined;
  readonly dryRun: boolean;
};

/** Parses the parameters of a path. A fault names the required form, never a resource. */
export const parseParams = (
  { payees, gateway }: Pick<Config, 'payees' | 'gateway'>,
  params: Readonly<Record<string, string>>,
): Result<Readonly<Record<string, string>>, Reason> => {
  const values: Record<string, string> = {};
  for (const [name, text] of Object.entries(params)) {
    const parsed = PARAMS[name as keyof typeof PARAMS].safeParse(text);
    if (!parsed.success) return err(schemaFault(`path.${name}`, parsed.error.issues, {}));
    values[name] = parsed.data;
  }
  const on = parseAccountId(values['account'] ?? '')?.network;
  // The network of the gateway's own account stays valid, even if it is no longer configured.
  return on === undefined || payees.has(on) || values['account'] === gateway
    ? ok(values)
    : err({ reason: 'malformed_field', field: 'path.account', hint: OTHER_NETWORK });
};

const OTHER_NETWORK = 'must be on a network of this gateway';

/** Parses query, headers and body strictly: a member that no handler reads is an error, so that no caller assumes that it had an effect. */
export const parseRequest = (
  route: AdminRoute,
  observed: ReceivedRequest,
  headers: Headers,
): Result<ParsedRequest, Reason> => {
  const query = parseQuery(route, observed.target);
  if (!query.ok) return query;
  const expected = parseExpected(route, headers);
  if (!expected.ok) return expected;
  const dryRun = isDryRun(headers);
  if (!dryRun.ok) return dryRun;
  if (dryRun.value && route.dryRun === undefined) {
    return err({
      reason: 'malformed_request',
      field: 'dry-run',
      hint: 'is not supported by this route',
    });
  }
  const body = parseBody(route, observed.body);
  if (!body.ok) return body;
  return ok({
    query: query.value,
    body: body.value,
    expected: expected.value,
    dryRun: dryRun.value,
  });
};

const parseQuery = (route: AdminRoute, target: string): Result<unknown, Reason> => {
  const at = target.indexOf('?');
  const params = new URLSearchParams(at < 0 ? '' : target.slice(at));
  const names = [...params.keys()];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    return err({ reason: 'malformed_request', field: 'query', hint: 'must have each name once' });
  }
  if (route.query === undefined) {
    return names.length === 0
      ? ok(undefined)
      : err({ reason: 'malformed_request', field: 'query', hint: 'must be empty' });
  }
  return parsed('query', route.query, Object.fromEntries(params));
};

const parseExpected = (
  route: AdminRoute,
  headers: Headers,
): Result<Expected | undefined, Reason> => {
  if (!route.write) return ok(undefined);
  const expected = expectedOf(headers);
  return expected.ok && expected.value !== undefined && route.precondition === undefined
    ? err({
        reason: 'malformed_request',
        field: 'if-match',
        hint: 'is not supported by this route',
      })
    : expected;
};

/** One strong entity tag of this gateway (RFC 9110 §8.8.3). A list or a weak tag does not name one version. */
const TAG = /^"(0x[0-9a-f]{64})"$/;

/** Reads `If-Match` and `If-None-Match`. Rejects every other form: ignoring an unknown form would permit a lost update (CWE-367). */
export const expectedOf = (headers: Headers): Result<Expected | undefined, Reason> => {
  const match = headers.get('If-Match')?.trim();
  const none = headers.get('If-None-Match')?.trim();
  const refuse = (field: string, hint: string) =>
    err<Reason>({ reason: 'malformed_request', field, hint });
  if (match !== undefined && none !== undefined) {
    return refuse('if-match', 'may not be sent together with if-none-match');
  }
  if (none !== undefined) {
    return none === '*'
      ? ok('none')
      : refuse('if-none-match', 'must be * in a request that writes');
  }
  if (match === undefined || match === '*') return ok(match);
  const hash = TAG.exec(match)?.[1];
  return hash === undefined
    ? refuse('if-match', 'must be one ETag of this gateway in double quotes, or *')
    : ok(hash as Hex);
};

const parseBody = (route: AdminRoute, bytes: Uint8Array | undefined): Result<unknown, Reason> => {
  if (route.body === undefined) return ok(undefined);
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  const json = text === undefined ? undefined : parseStrictJson(text, route.maxDepth);
  return json?.ok === true
    ? parsed('body', route.body, json.value)
    : err({
        reason: 'malformed_request',
        field: 'body',
        hint: `must be JSON in UTF-8, at most ${route.maxDepth ?? MAX_DEPTH} levels deep, with no key twice`,
      });
};

const parsed = (root: string, schema: z.ZodMiniType, value: unknown): Result<unknown, Reason> => {
  const result = schema.safeParse(value);
  return result.success ? ok(result.data) : err(schemaFault(root, result.error.issues, {}));
};
