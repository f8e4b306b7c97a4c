import { createBoundedMap } from '../core/bounded-map.ts';
import { type KeySet, readKeySet } from '../protocol/key-set.ts';
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

/** Fetches only `<audience>/.well-known/jwks.json`, and fetches it again when the set lacks a key. */
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
    return await readKeySet(await readJsonBody(response, MAX_BODY, withinMs));
  } catch {
    return undefined;
  }
};
