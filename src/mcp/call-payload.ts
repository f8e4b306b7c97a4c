import { canonicalJson } from '../core/canonical-json.ts';
import { utf8 } from '../crypto/bytes.ts';
import type { RequestHead } from '../gateway/paid-request.ts';
import { MCP_PATH } from './context.ts';
import type { JsonObject } from './message.ts';

/** The fields of a call that its proof is bound to (docs/wire-format.md §18), whether or not a tool has this name. */
export const headOfCall = (name: string, audience: string): RequestHead => ({
  audience,
  tool: name,
  method: 'tools/call',
  target: MCP_PATH,
  contentType: '',
});

/** The payload that an intent for a call hashes. */
export const payloadOfCall = (name: string, given: JsonObject): Uint8Array<ArrayBuffer> =>
  new Uint8Array(utf8(canonicalJson({ arguments: given, name })));
