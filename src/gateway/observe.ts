import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config.ts';
import type { Hex } from '../core/hex.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { bodyDigest } from '../crypto/digest.ts';
import type { ObservedRequest } from '../protocol/intent/observed-request.ts';
import { requestDigest } from '../protocol/intent/observed-request.ts';
import { discard, readUpTo } from './body.ts';
import { type Head, readOwnHead } from './head.ts';

/** A request for a tool, as the gateway saw it: what every proof is held against (design §4.1). */
export type Observed = ObservedRequest & {
  /** The bytes that were hashed and go to the upstream; undefined for none. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  /** `requestDigest` of all that a proof can be bound to. */
  readonly request: Hex;
};

/**
 * Completes the head of a request with its body: one capped read and its SHA-256. Called once the request has shown a proof, so that
 * strangers cannot fill the memory of an isolate (CWE-400).
 *
 * @returns the observation, or the reason to refuse; nothing is written or remembered in either case.
 */
export const observe = async (
  request: Request,
  tool: Tool,
  head: Head,
): Promise<Result<Observed, Reason>> => {
  const body = await readBody(request, tool);
  if (!body.ok) return body;
  const fields = { ...head, payloadDigest: await bodyDigest(body.value) };
  return ok({
    ...fields,
    body: body.value.byteLength === 0 ? undefined : body.value,
    request: await requestDigest(fields),
  });
};

/** Head and body at once, of a request whose proof is in its body. */
export const observeOwn = async (
  request: Request,
  config: Config,
  tool: Tool,
): Promise<Result<Observed, Reason>> => {
  const head = readOwnHead(request, config, tool);
  return head.ok ? observe(request, tool, head.value) : head;
};

const readBody = async (
  request: Request,
  tool: Tool,
): Promise<Result<Uint8Array<ArrayBuffer>, Reason>> => {
  const { method, headers, body } = request;
  const limit = tool.maxBodyBytes;
  // Before a byte is buffered; a sender that says nothing, or lies, meets the same limit while reading.
  if (Number(headers.get('content-length') ?? 0) > limit) {
    await discard(request);
    return err({ reason: 'body_too_large', limit });
  }
  const reading = await readUpTo(body, limit);
  if (reading.read === 'broken') return err({ reason: 'body_incomplete' });
  if (reading.read === 'over') {
    await reading.rest.cancel().catch(() => undefined);
    return err({ reason: 'body_too_large', limit });
  }
  if (reading.bytes.byteLength > 0 && (method === 'GET' || method === 'HEAD')) {
    // fetch sends no body with these, so the tool would see another request than the one that was signed.
    return err({ reason: 'malformed_request', field: 'body', hint: `must be empty for ${method}` });
  }
  return ok(reading.bytes);
};
