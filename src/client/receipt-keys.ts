import * as z from 'zod/mini';
import { createBoundedMap } from '../core/bounded-map.ts';
import { readJsonBody } from './json.ts';
import { race } from './transport.ts';

/** The public keys of gateways, fetched on first use. */
export type ReceiptKeys = {
  /** The key with this id that an audience publishes; undefined if it publishes none or cannot be reached. */
  find(audience: string, kid: string): Promise<CryptoKey | undefined>;
};

const TIMEOUT_MS = 10_000;
const MAX_BODY = 65_536;
const MAX_AUDIENCES = 64;
const PATH = '/.well-known/jwks.json';

const jwksSchema = z.looseObject({
  keys: z
    .array(
      z.looseObject({
        kty: z.string(),
        crv: z.optional(z.string()),
        x: z.optional(z.string()),
        kid: z.optional(z.string()),
      }),
    )
    .check(z.maxLength(64)),
});

type KeySet = ReadonlyMap<string, CryptoKey>;

/** Fetches `<audience>/.well-known/jwks.json` and no other URL; again when the fetched set lacks a key. */
export const createReceiptKeys = (
  fetcher: typeof globalThis.fetch,
  timeoutMs: number = TIMEOUT_MS,
): ReceiptKeys => {
  const withinMs = Math.min(timeoutMs, TIMEOUT_MS);
  const sets = createBoundedMap<string, KeySet>(MAX_AUDIENCES);
  return {
    find: async (audience, kid) => {
      const known = sets.get(audience)?.get(kid);
      if (known !== undefined) return known;
      const fetched = await fetchKeys(fetcher, audience, withinMs);
      if (fetched === undefined) return undefined;
      sets.set(audience, fetched);
      return fetched.get(kid);
    },
  };
};

const fetchKeys = async (
  fetcher: typeof globalThis.fetch,
  audience: string,
  withinMs: number,
): Promise<KeySet | undefined> => {
  try {
    const signal = AbortSignal.timeout(withinMs);
    const response = await race(signal, async () =>
      fetcher(audience + PATH, { redirect: 'manual', signal }),
    );
    if (response.status !== 200) return undefined;
    const parsed = jwksSchema.safeParse(await readJsonBody(response, MAX_BODY, withinMs));
    return parsed.success ? await importAll(parsed.data.keys) : undefined;
  } catch {
    return undefined;
  }
};

const importAll = async (jwks: z.output<typeof jwksSchema>['keys']): Promise<KeySet> => {
  const keys = new Map<string, CryptoKey>();
  for (const { kty, crv, x, kid } of jwks) {
    if (kty !== 'OKP' || crv !== 'Ed25519' || x === undefined || kid === undefined) continue;
    const key = await importKey({ kty, crv, x }).catch(() => undefined);
    if (key !== undefined) keys.set(kid, key);
  }
  return keys;
};

/** Imports an Ed25519 key with WebCrypto: `importJWK` of jose would add 1 KiB gzip for the algorithms of JWE. */
const importKey = async (jwk: JsonWebKey): Promise<CryptoKey> =>
  await crypto.subtle.importKey('jwk', jwk, { name: 'Ed25519' }, false, ['verify']);
