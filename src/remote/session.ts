import type { JsonObject } from '../core/json-object.ts';
import { createBoundedMap } from '../core/bounded-map.ts';
import { encodeBase64, utf8 } from '../crypto/bytes.ts';
import { exchange, type Exchanged, notify, type Post, type RemoteFetch } from './exchange.ts';
import type { NotificationListener } from './message.ts';

/** The protocol revision that the gateway speaks first (MCP 2026-07-28, stateless). */
const MODERN = '2026-07-28';
/** The revision that the gateway requests from an older server, and the revisions that it accepts. */
const LEGACY = '2025-11-25';
const LEGACY_VERSIONS = new Set([LEGACY, '2025-06-18', '2025-03-26', '2024-11-05']);

const META = 'io.modelcontextprotocol/';
const CLIENT_INFO = { name: 'countersign', version: '0.1.0' };
const SESSION = 'mcp-session-id';
/** Visible ASCII (MCP 2025-11-25, session management). */
const SESSION_ID = /^[\x21-\x7e]{1,512}$/;

/** A remote MCP server, for one call or one listing. */
export type SessionOptions = {
  readonly url: string;
  /** Sends every request of the session; without it `fetch` does. */
  readonly fetch?: RemoteFetch;
  /** Sent with every request, e.g. the assertion. */
  readonly headers?: Headers;
  readonly signal: AbortSignal;
  /** The most bytes of one answer. */
  readonly maxBytes: number;
  /** Capabilities of the caller for a tool that requires input. Extensions are never included, because the gateway pays no other server. */
  readonly capabilities?: JsonObject;
  /** The level of log messages that the caller wants; without it the server sends none. */
  readonly logLevel?: string;
  /** Gets the cause of a dropped connection; without it the Worker logs the cause. */
  readonly onDropped?: (cause: unknown) => void;
};

export type Session = {
  /** Sends one request. `params` are those of the method, without the members of the protocol. */
  readonly request: (
    method: string,
    params: JsonObject,
    onNotification?: NotificationListener,
  ) => Promise<Exchanged>;
  /** Ends the session, if the server opened one. Never throws. */
  readonly close: () => Promise<void>;
};

/** Servers that speak only revisions with `initialize`, by URL: trying the newer revision first would cost a request each time. */
const legacyServers = createBoundedMap<string, true>(256);

/**
 * Opens a session with a remote MCP server: revision 2026-07-28, or `initialize` and an older one if the server knows no other. Agents never
 * share a session, because a server may keep state in it.
 */
export const openSession = (options: SessionOptions): Session => {
  let legacy: Promise<Legacy | undefined> | undefined;

  const inLegacy = async (
    method: string,
    params: JsonObject,
    onNotification?: NotificationListener,
  ): Promise<Exchanged | undefined> => {
    legacy ??= initialize(options);
    const opened = await legacy;
    if (opened === undefined) return undefined;
    return await post(options, opened.headers, messageOf(method, params), onNotification);
  };
  return {
    request: async (method, params, onNotification) => {
      const modern = async () =>
        await post(
          options,
          modernHeaders(method, params),
          messageOf(method, withEnvelope(params, options)),
          onNotification,
        );
      if (legacyServers.get(options.url) === undefined) {
        const first = await modern();
        // Such a server has not run the method, so sending it again in an older revision runs it at most once.
        if (!isLegacyRefusal(first)) return first;
        const again = await inLegacy(method, params, onNotification);
        if (again === undefined) return first;
        legacyServers.set(options.url, true);
        return again;
      }
      const answer = await inLegacy(method, params, onNotification);
      if (answer !== undefined) return answer;
      legacyServers.delete(options.url);
      return await modern();
    },
    close: async () => {
      const opened = await legacy;
      if (opened === undefined || !opened.headers.has(SESSION)) return;
      const headers = new Headers([...(options.headers ?? []), ...opened.headers]);
      await (options.fetch ?? fetch)(options.url, {
        method: 'DELETE',
        headers,
        redirect: 'manual',
        signal: AbortSignal.timeout(2_000),
      })
        .then(async ({ body }) => await body?.cancel())
        .catch(() => undefined);
    },
  };
};

type Legacy = { readonly headers: Headers };

const initialize = async (options: SessionOptions): Promise<Legacy | undefined> => {
  const hello = await post(
    options,
    new Headers(),
    messageOf('initialize', {
      protocolVersion: LEGACY,
      capabilities: {},
      clientInfo: CLIENT_INFO,
    }),
  );
  if (hello.kind !== 'result') return undefined;
  const { protocolVersion } = hello.result;
  if (typeof protocolVersion !== 'string' || !LEGACY_VERSIONS.has(protocolVersion))
    return undefined;
  const headers = new Headers({ 'MCP-Protocol-Version': protocolVersion });
  const session = hello.headers.get(SESSION) ?? '';
  if (SESSION_ID.test(session)) headers.set(SESSION, session);
  const body = { jsonrpc: '2.0', method: 'notifications/initialized' };
  await notify(postOf(options, headers, body));
  return { headers };
};

const post = async (
  options: SessionOptions,
  headers: Headers,
  body: JsonObject,
  onNotification?: NotificationListener,
): Promise<Exchanged> =>
  await exchange({
    ...postOf(options, headers, body),
    ...(onNotification === undefined ? {} : { onNotification }),
    ...(options.onDropped === undefined ? {} : { onDropped: options.onDropped }),
  });

const postOf = (options: SessionOptions, headers: Headers, body: JsonObject): Post => ({
  url: options.url,
  signal: options.signal,
  maxBytes: options.maxBytes,
  headers: merged(options, headers),
  body,
  ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
});

const merged = ({ headers }: SessionOptions, own: Headers): Headers => {
  const all = new Headers(headers);
  for (const [name, value] of own) all.set(name, value);
  all.set('Content-Type', 'application/json');
  all.set('Accept', 'application/json, text/event-stream');
  all.set('Accept-Encoding', 'identity');
  return all;
};

/** The id is unguessable, so a server cannot prepare answers. */
const messageOf = (method: string, params: JsonObject): JsonObject => ({
  jsonrpc: '2.0',
  id: crypto.randomUUID(),
  method,
  params,
});

const withEnvelope = (
  params: JsonObject,
  { capabilities = {}, logLevel }: SessionOptions,
): JsonObject => ({
  ...params,
  _meta: {
    ...(params['_meta'] as JsonObject | undefined),
    [`${META}protocolVersion`]: MODERN,
    [`${META}clientInfo`]: CLIENT_INFO,
    [`${META}clientCapabilities`]: capabilities,
    ...(logLevel === undefined ? {} : { [`${META}logLevel`]: logLevel }),
  },
});

const modernHeaders = (method: string, { name, uri }: JsonObject): Headers => {
  const headers = new Headers({ 'MCP-Protocol-Version': MODERN, 'Mcp-Method': method });
  const subject = uri ?? name;
  if (typeof subject === 'string') headers.set('Mcp-Name', headerText(subject));
  return headers;
};

/** Writes a name as a header: unchanged, or as base64 if it has other characters (MCP 2026-07-28, transports). */
const headerText = (text: string): string =>
  /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith('=?')
    ? text
    : `=?base64?${encodeBase64(utf8(text))}?=`;

/** Errors that only a server of the newer revision sends for a request like ours. */
const MODERN_ERRORS = new Set([-32_602, -32_603, -32_020, -32_021]);

/** True for an answer of a server that did not understand the newer revision, and so ran nothing. */
const isLegacyRefusal = (answer: Exchanged): boolean => {
  if (answer.kind === 'error') {
    const { code } = answer.error;
    if (code === -32_601 || code === -32_022) return true;
    return (answer.status === 400 || answer.status === 404) && !MODERN_ERRORS.has(code);
  }
  return (
    answer.kind === 'failed' &&
    answer.fault === 'status' &&
    (answer.status === 400 || answer.status === 404 || answer.status === 405)
  );
};
