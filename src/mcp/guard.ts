import type { Config } from '../config/config.ts';
import { err, type Result } from '../core/result.ts';
import { discard, isOversized, readUpTo } from '../gateway/body.ts';
import { type Message, parseMessage } from './message.ts';

/** The most bytes that a message may have. Arguments that are longer belong in the body of an HTTP request. */
export const MAX_MESSAGE = 1024 * 1024;

const JSON_TYPE = /^application\/json *(?:; *charset="?utf-8"? *)?$/i;
const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])$/;

/**
 * Checks a request to `/mcp` before the SDK gets it: host, origin, content type, size, then the JSON. The SDK checks neither host nor
 * origin, and accepts batches and duplicate keys. Answers with JSON-RPC errors, never with 401 or 402: MCP clients start an OAuth discovery
 * on 401, and do not handle 402 (docs/mcp.md).
 */
export const guardRequest = async (
  request: Request,
  config: Pick<Config, 'audiences' | 'reach'> | undefined,
): Promise<Result<Message, Response>> => {
  const { headers } = request;
  if (config !== undefined && !isOwn(request.url, config)) {
    return refuse(403, -32600, 'This host is no audience of the gateway.');
  }
  const origin = headers.get('origin');
  if (config !== undefined && origin !== null && !isOwn(origin, config)) {
    return refuse(403, -32600, 'Pages of this origin may not call the gateway.');
  }
  if (!JSON_TYPE.test(headers.get('content-type')?.trim() ?? '')) {
    return refuse(415, -32600, 'Send the message as application/json, in UTF-8.');
  }
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity') {
    return refuse(415, -32600, 'Send the message without Content-Encoding.');
  }
  if (isOversized(headers, MAX_MESSAGE)) return tooLarge();
  const reading = await readUpTo(request.body, MAX_MESSAGE);
  if (reading.read === 'broken') return refuse(400, -32700, 'The message ended too early.');
  if (reading.read === 'over') {
    await discard(reading.rest);
    return tooLarge();
  }
  const message = parseMessage(reading.bytes);
  return message.ok ? message : refuse(400, message.error.code, message.error.message);
};

/**
 * True for a URL or an origin of the gateway itself. Attack: a page of another site that rebinds its DNS name to this gateway, or calls it
 * from a browser (MCP 2026-07-28, transports: servers must validate `Origin`). In the local stack each port of the machine counts.
 */
const isOwn = (
  href: string,
  { audiences, reach }: Pick<Config, 'audiences' | 'reach'>,
): boolean => {
  const url = URL.parse(href);
  if (url === null) return false;
  return (
    audiences.includes(url.origin) || (reach === 'local_stack' && LOCAL_HOST.test(url.hostname))
  );
};

const tooLarge = (): Result<never, Response> =>
  refuse(413, -32600, `The message is larger than ${MAX_MESSAGE} bytes.`);

const refuse = (status: number, code: number, message: string): Result<never, Response> =>
  err(rpcError(status, undefined, { code, message }));

/** Answers with a JSON-RPC error that the SDK does not make. `id` is null if the request has none that could be read. */
export const rpcError = (
  status: number,
  id: Message['id'],
  error: { readonly code: number; readonly message: string; readonly data?: unknown },
): Response =>
  Response.json(
    { jsonrpc: '2.0', id: id ?? null, error },
    { status, headers: { 'Cache-Control': 'private, no-store' } },
  );
