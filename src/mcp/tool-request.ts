import type { Tool } from '../catalog/tool.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { err, ok, type Result } from '../core/result.ts';
import { utf8 } from '../crypto/bytes.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { isObject, type JsonObject } from './message.ts';

/** The HTTP request that a tool gets for the arguments of an MCP call. */
export type ToolRequest = {
  readonly method: string;
  /** Path at the gateway and query. */
  readonly target: string;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
};

const IN_QUERY: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE']);
const MAX_TARGET = 4096;

/**
 * Maps the arguments of an MCP call to the HTTP request of its tool: a query for GET, HEAD and DELETE, a JSON body otherwise. The body is
 * the JCS form (RFC 8785), so the tool gets exactly what the payer signed.
 */
export const toolRequestOf = (tool: Tool, given: JsonObject): Result<ToolRequest, Reason> => {
  const { method, path } = tool;
  if (!IN_QUERY.has(method)) {
    const body = new Uint8Array(utf8(canonicalJson(given)));
    return body.byteLength > tool.maxBodyBytes
      ? err({ reason: 'body_too_large', limit: tool.maxBodyBytes })
      : ok({ method, target: path, contentType: 'application/json', body });
  }
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) {
    for (const each of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
      if (isObject(each) || Array.isArray(each)) {
        return err({
          reason: 'malformed_request',
          field: `arguments.${name}`,
          hint: 'must be a text, a number, true, false or null, or an array of them',
        });
      }
      query.append(name, String(each));
    }
  }
  const search = query.toString();
  const target = search === '' ? path : `${path}?${search}`;
  return target.length > MAX_TARGET
    ? err({ reason: 'target_too_long', limit: MAX_TARGET })
    : ok({ method, target, contentType: '', body: undefined });
};
