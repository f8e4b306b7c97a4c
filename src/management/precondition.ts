import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Expected } from '../protocol/account/command.ts';
import type { Reason } from '../protocol/problem/reason.ts';

/** One strong entity tag of this gateway (RFC 9110 §8.8.3). A list or a weak tag does not name one version. */
const TAG = /^"(0x[0-9a-f]{64})"$/;

/** The ETag header for a hash. */
export const entityTag = (hash: Hex): { readonly ETag: string } => ({ ETag: `"${hash}"` });

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
