import * as z from 'zod/mini';
import type { Network } from '../../protocol/account-id.ts';
import { getJson } from '../post-json.ts';

/** What a facilitator lists (x402 facts 3), as far as it is used; members that are not known are none of our business. */
const supportedSchema = z.object({
  kinds: z
    .array(
      z.object({
        x402Version: z.number(),
        scheme: z.string(),
        network: z.string(),
      }),
    )
    .check(z.maxLength(1_000)),
});

const MAX_BYTES = 256 * 1024;
const TIMEOUT_MS = 2_000;
/** Every EVM network, as some write it. */
const ANY = 'eip155:*';

/** What is left of its list: networks on which it settles `exact` of x402 version 2. */
export type Supported = { has(network: Network): boolean };

export const supportedUrl = (base: string): string => `${base.replace(/\/+$/, '')}/supported`;

/** Reads `GET /supported`; undefined where it cannot be read. Takes two seconds at most. */
export const readSupported = async (
  base: string,
  headers: Readonly<Record<string, string>>,
): Promise<Supported | undefined> => {
  const options = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, headers };
  const got = await getJson(supportedUrl(base), options);
  if (!got.ok || got.value.status !== 200) return undefined;
  const read = supportedSchema.safeParse(got.value.json);
  if (!read.success) return undefined;
  const networks = new Set(
    read.data.kinds
      .filter(({ x402Version, scheme }) => x402Version === 2 && scheme === 'exact')
      .map(({ network }) => network),
  );
  return { has: (network) => networks.has(network) || networks.has(ANY) };
};
