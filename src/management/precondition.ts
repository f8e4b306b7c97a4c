import type { Hex } from '../core/hex.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';

/** What a writer has seen: the hash of what is stored, anything (`*`), or nothing at all (`none`). */
export type Expected = Hex | '*' | 'none';

/** One strong entity tag of ours (RFC 9110 section 8.8.3). A list, or a weak one, would not say what was seen. */
const TAG = /^"(0x[0-9a-f]{64})"$/;

/** An answer's ETag for a hash. */
export const entityTag = (hash: Hex): { readonly ETag: string } => ({ ETag: `"${hash}"` });

/** Reads `If-Match` and `If-None-Match`. What is not understood is refused: read as nothing, it would let a lost update through. */
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
      : refuse('if-none-match', 'must be * where something is written');
  }
  if (match === undefined || match === '*') return ok(match);
  const hash = TAG.exec(match)?.[1];
  return hash === undefined
    ? refuse('if-match', 'must be one ETag of an answer of this gateway, in double quotes, or *')
    : ok(hash as Hex);
};
