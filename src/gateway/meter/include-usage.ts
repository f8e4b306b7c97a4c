import { isObject } from '../../core/json-object.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { decodeUtf8, utf8 } from '../../crypto/bytes.ts';
import { inexactNumber } from '../../protocol/exact-numbers.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { folded } from '../params.ts';

/** Why the gateway cannot request usage. `hint` completes a sentence that begins with `field`. */
export type IncludeUsageFault = { readonly field: string; readonly hint: string };

const FIELD = 'stream_options.include_usage';
const NAMES = ['stream', 'stream_options'];
const FOLDED = NAMES.map(folded);
const MAX_DEPTH = 64;
/** What OpenAI defines. */
const OPTIONS = ['include_usage', 'include_obfuscation'];
const ASKS = '"stream_options":{"include_usage":true}';

/**
 * Returns the body that requests usage in the stream of an OpenAI-compatible upstream. The proof covers the caller's body; the terms of the
 * tool state that the gateway adds this member.
 *
 * @returns the same bytes if the caller requests no stream, or requests usage itself. A fault if the gateway may read the body differently
 *   from the upstream, whose stream would then report no usage.
 */
export const withIncludeUsage = (
  body: Uint8Array<ArrayBuffer>,
): Result<Uint8Array<ArrayBuffer>, IncludeUsageFault> => {
  const text = decodeUtf8(body);
  const json = text === undefined ? undefined : parseStrictJson(text, MAX_DEPTH);
  if (text === undefined || json?.ok !== true || !isObject(json.value)) {
    return err({ field: 'body', hint: 'must be one JSON object without repeated keys' });
  }
  const { value } = json;
  // Attack: a lenient parser reads `Stream` as `stream`, and its stream would report no usage.
  const other = Object.keys(value).find(
    (key) => !NAMES.includes(key) && FOLDED.includes(folded(key)),
  );
  if (other !== undefined) return err({ field: other.slice(0, 64), hint: 'must be in lower case' });
  const { stream, stream_options: options } = value;
  // Attack: a lenient upstream (vLLM, by pydantic) streams for "true" and 1 too, and would report no usage.
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean') {
    return err({ field: 'stream', hint: 'must be true or false' });
  }
  if (stream !== true) return ok(body);
  if (options === undefined) {
    // Inserted into the text: `JSON.stringify` would change numbers above 2^53, such as a 64-bit seed.
    const at = text.lastIndexOf('}');
    return ok(encoded(`${text.slice(0, at)},${ASKS}${text.slice(at)}`));
  }
  if (options !== null && !isObject(options)) {
    return err({ field: 'stream_options', hint: 'must be an object' });
  }
  // Attack: `continuous_usage_stats` of vLLM reports each of `n` choices in turn. Such usage shrinks, so the stream would cost nothing.
  const unknown = Object.keys(options ?? {}).find((key) => !OPTIONS.includes(key));
  if (unknown !== undefined) {
    const field = `stream_options.${unknown.slice(0, 64)}`;
    return err({ field, hint: `is not sold; use ${OPTIONS.join(' or ')}` });
  }
  if (options?.['include_usage'] === true) return ok(body);
  if (inexactNumber(text) !== undefined) {
    return err({ field: FIELD, hint: 'must be true: the gateway cannot set it in this body' });
  }
  return ok(
    encoded(JSON.stringify({ ...value, stream_options: { ...options, include_usage: true } })),
  );
};

const encoded = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(utf8(text));
