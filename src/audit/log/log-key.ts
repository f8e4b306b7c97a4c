import * as z from 'zod/mini';
import { decodeBase64Url } from '../../crypto/bytes.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { keyIdOf, type NoteKey, SIGNATURE_TYPE } from './signed-note.ts';

/** The key of a log under its name, and the private key that signs its checkpoints. */
export type LogKey = { readonly key: NoteKey; readonly privateKey: CryptoKey };

const bytes32 = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/));
const schema = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: bytes32,
  d: bytes32,
});

const FAULT = 'must be an Ed25519 private key as JWK, another one than RECEIPT_KEY';

/** The variables with the keys of a log. */
export type LogKeySettings = { readonly LOG_KEY?: string; readonly LOG_KEY_NEXT?: string };

/**
 * Reads the keys that sign a log: `LOG_KEY`, and during a replacement also `LOG_KEY_NEXT` (docs/keys.md). Both then sign each checkpoint,
 * so readers that know either key can verify it.
 *
 * @param origin the name of the log.
 * @returns none if `LOG_KEY` is empty, and a reason that names the variable, without its value, if one is malformed.
 */
export const readLogKeys = async (
  { LOG_KEY = '', LOG_KEY_NEXT = '' }: LogKeySettings,
  origin: string,
): Promise<Result<readonly LogKey[], string>> => {
  if (LOG_KEY.trim() === '') return ok([]);
  const current = await readLogKey(LOG_KEY, origin);
  if (!current.ok) return err(`LOG_KEY ${current.error}`);
  if (LOG_KEY_NEXT.trim() === '') return ok([current.value]);
  // Signing without it would end the overlap unnoticed: readers that have only the new key would find no signature.
  const next = await readLogKey(LOG_KEY_NEXT, origin);
  if (!next.ok) return err(`LOG_KEY_NEXT ${next.error}`);
  const isSame = keyIdOf(next.value.key) === keyIdOf(current.value.key);
  return ok(isSame ? [current.value] : [current.value, next.value]);
};

/** Reads an Ed25519 private key as JWK text. It is not `RECEIPT_KEY`: replacing one must not require replacing the other. */
const readLogKey = async (text: string, origin: string): Promise<Result<LogKey, string>> => {
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) return err(FAULT);
  const { kty, crv, x, d } = parsed.data;
  const publicKey = decodeBase64Url(x);
  if (publicKey === undefined) return err(FAULT);
  try {
    const jwk = { kty, crv, x };
    const privateKey = await crypto.subtle.importKey('jwk', { ...jwk, d }, 'Ed25519', false, [
      'sign',
    ]);
    const probe = new TextEncoder().encode('countersign-log-key');
    const verifier = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['verify']);
    const signature = await crypto.subtle.sign('Ed25519', privateKey, probe);
    if (!(await crypto.subtle.verify('Ed25519', verifier, signature, probe))) {
      return err('x is not the public key of d');
    }
    return ok({ key: { name: origin, type: SIGNATURE_TYPE.note, publicKey }, privateKey });
  } catch {
    return err(FAULT);
  }
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The name of the log of a year: `<host>/log/<year>`, in UTC. @param now Unix seconds */
export const logOrigin = (audience: string, now: number): string =>
  `${new URL(audience).host}/log/${new Date(now * 1_000).getUTCFullYear()}`;
