import * as z from 'zod/mini';
import { importJWK } from 'jose';
import { readJsonBody } from './json.ts';
import { race } from './send.ts';

/** The keys that gateways publish, each fetched when first needed. */
export type ReceiptKeys = {
  /** The key of this id at an audience, or undefined when it cannot be had. */
  find(audience: string, kid: string): Promise<CryptoKey | undefined>;
};

const TIMEOUT_MS = 10_000;
const MAX_BODY = 65_536;
const KEPT = 64;
const PATH = '/.well-known/jwks.json';

const setSchema = z.looseObject({
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

/** Fetches `<audience>/.well-known/jwks.json` and nothing else; once more when a key is not in what is kept. */
export const createReceiptKeys = (
  fetcher: typeof globalThis.fetch,
  timeoutMs: number = TIMEOUT_MS,
): ReceiptKeys => {
  const withinMs = Math.min(timeoutMs, TIMEOUT_MS);
  const sets = new Map<string, KeySet>();
  return {
    find: async (audience, kid) => {
      const known = sets.get(audience)?.get(kid);
      if (known !== undefined) return known;
      const fetched = await fetchKeys(fetcher, audience, withinMs);
      if (fetched === undefined) return undefined;
      const oldest = sets.size < KEPT ? undefined : sets.keys().next().value;
      if (oldest !== undefined) sets.delete(oldest);
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
    const parsed = setSchema.safeParse(await readJsonBody(response, MAX_BODY, withinMs));
    return parsed.success ? await importAll(parsed.data.keys) : undefined;
  } catch {
    return undefined;
  }
};

const importAll = async (
  jwks: z.output<typeof setSchema>['keys'],
): Promise<ReadonlyMap<string, CryptoKey>> => {
  const keys = new Map<string, CryptoKey>();
  for (const { kty, crv, x, kid } of jwks) {
    if (kty !== 'OKP' || crv !== 'Ed25519' || x === undefined || kid === undefined) continue;
    const key = await importJWK({ kty, crv, x }, 'EdDSA').catch(() => undefined);
    if (key instanceof CryptoKey) keys.set(kid, key);
  }
  return keys;
};
