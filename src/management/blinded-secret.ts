import { encodeBase64Url } from '../crypto/bytes.ts';
import type { RequestOf } from './routes.ts';

type PutBody = RequestOf<'secrets.put'>['body'];

const BLIND_BYTES = 32;

/**
 * The body of `secrets.put`, with random bytes that are new for each request.
 *
 * Attack: the log keeps the digest of a command's body. Without random bytes in it, a reader of the log could test guesses of the value.
 */
export const blindedSecret = (secret: Omit<PutBody, 'blind'>): PutBody => ({
  ...secret,
  blind: encodeBase64Url(crypto.getRandomValues(new Uint8Array(BLIND_BYTES))),
});
