import * as z from 'zod/mini';
import { type Network } from './protocol/account-id.ts';
import { type Address, type Hex, ZERO_ADDRESS } from './core/hex.ts';
import { MONEY_HINT, parseAmount, parseMoney } from './protocol/amount.ts';
import type { EgressReach } from './protocol/egress-url.ts';
import { err, ok } from './core/result.ts';
import { parseAddress } from './crypto/checksum.ts';
import { readingText } from './protocol/wire-fields.ts';
import {
  byNetwork,
  MAX_URLS,
  networkSchema,
  readJson,
  type Setting,
  urlSchema,
} from './settings.ts';
import type { CdpKey } from './settlement/backends/cdp-token.ts';
import type { Facilitator } from './settlement/backends/facilitator.ts';
import type { RelayerSetting } from './settlement/backends/relayer.ts';

const between = (least: number, most: number) => {
  const hint = `must be an integer from ${least} to ${most}`;
  return z.int(hint).check(z.minimum(least, hint), z.maximum(most, hint));
};

const facilitatorSchema = (reach: EgressReach) =>
  z.strictObject(
    {
      url: urlSchema(reach),
      networks: z.exactOptional(z.array(networkSchema).check(z.minLength(1), z.maxLength(16))),
      auth: z._default(z.enum(['none', 'cdp'], 'must be "none" or "cdp"'), 'none'),
      concurrency: z._default(between(1, 64), 4),
      perSecond: z.exactOptional(between(1, 1_000)),
      fee: z._default(readingText<bigint>(MONEY_HINT, parseMoney), 0n),
    },
    'must be an object {"url": "https://…", networks?, auth?, concurrency?, perSecond?, fee?}',
  );

const LIST = `must be an array of at most ${MAX_URLS} facilitators`;
const facilitatorsSchema = (reach: EgressReach) =>
  z.array(facilitatorSchema(reach), LIST).check(z.maxLength(MAX_URLS, LIST));

/** `FACILITATORS`: asked in order. None at all is for a gateway whose relayers reach every network. */
export const readFacilitators = (
  text: string,
  reach: EgressReach,
): Setting<readonly Facilitator[]> => {
  const read = readJson(text, facilitatorsSchema(reach), '[{"url": "https://…"}]');
  if (!read.ok) return read;
  const urls = read.value.map(({ url }) => url);
  return new Set(urls).size === urls.length ? read : err(['names a URL twice']);
};

const relayerSchema = (reach: EgressReach) =>
  z.strictObject(
    {
      address: readingText<Address>('must be an address that is not zero', (text) => {
        const address = parseAddress(text);
        return address === ZERO_ADDRESS ? undefined : address;
      }),
      signer: z.exactOptional(urlSchema(reach)),
      batch: z._default(between(1, 100), 100),
      wait: z._default(between(0, 60), 2),
      maxFeePerGas: z._default(
        readingText<bigint>('must be a decimal string of wei', parseAmount),
        50_000_000_000n,
      ),
      first: z._default(z.boolean('must be true or false'), true),
    },
    'must be an object {"address": "0x…", signer?, batch?, wait?, maxFeePerGas?, first?}',
  );

const relayersSchema = (reach: EgressReach) =>
  byNetwork<RelayerSetting>(
    relayerSchema(reach) as unknown as z.ZodMiniType<RelayerSetting>,
    'must be an object from network to relayer',
  );

/** `RELAYERS`: our own keys, by network. Empty: every payment goes to a facilitator. */
export const readRelayers = (
  text: string,
  reach: EgressReach,
): Setting<ReadonlyMap<Network, RelayerSetting>> =>
  text === ''
    ? ok(new Map())
    : readJson(text, relayersSchema(reach), '{"eip155:8453": {"address": "0x…"}}');

const RELAYER_KEY_HINT = 'must be 0x and 64 hex digits';

/** `RELAYER_KEY`: the private key that pays gas, or empty. */
export const readRelayerKey = (text: string): Setting<Hex | undefined> => {
  if (text === '') return ok(undefined);
  return /^0x[0-9a-fA-F]{64}$/.test(text) ? ok(text.toLowerCase() as Hex) : err([RELAYER_KEY_HINT]);
};

const MAX_KEY = 2_048;

/** `CDP_API_KEY_ID` and `CDP_API_KEY_SECRET`, which come together; the form of the secret is checked where it signs. */
export const readCdpKey = (id: string, secret: string): Setting<CdpKey | undefined> => {
  if (id === '' && secret === '') return ok(undefined);
  if (id === '' || secret === '') return err(['needs both CDP_API_KEY_ID and CDP_API_KEY_SECRET']);
  return id.length <= MAX_KEY && secret.length <= MAX_KEY
    ? ok({ id, secret })
    : err([`may have at most ${MAX_KEY} characters`]);
};
