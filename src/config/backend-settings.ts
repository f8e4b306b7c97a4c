import * as z from 'zod/mini';
import type { Address, Hex } from '../core/hex.ts';
import { err, ok } from '../core/result.ts';
import type { Network } from '../protocol/account-id.ts';
import { MONEY_HINT, parseAmount, parseMoney } from '../protocol/amount.ts';
import type { EgressReach } from '../protocol/egress-url.ts';
import { readingText } from '../protocol/wire-fields.ts';
import {
  accountSchema,
  byNetwork,
  isComplete,
  MAX_URLS,
  networkSchema,
  readJson,
  type Setting,
  urlSchema,
} from './json-setting.ts';
import type { Payees } from './payees.ts';
import type { CdpKey } from '../settlement/backends/cdp-token.ts';
import type { Facilitator } from '../settlement/backends/facilitator.ts';
import type { BackendSettings } from '../settlement/backends/registry.ts';
import type { RelayerSetting } from '../settlement/backends/relayer.ts';

/** The variable of each kind of backend. */
export const KIND_VARIABLES = ['FACILITATORS', 'RELAYERS'] as const;

/** The variables that configure backends. */
export const BACKEND_VARIABLES = [
  ...KIND_VARIABLES,
  'RELAYER_KEY',
  'CDP_API_KEY_ID',
  'CDP_API_KEY_SECRET',
] as const;

export type KindVariable = (typeof KIND_VARIABLES)[number];
type BackendVariable = (typeof BACKEND_VARIABLES)[number];

/** Reads one variable; undefined after a fault. */
type Read<Name extends BackendVariable> = <T>(
  name: Name,
  reader: (text: string) => Setting<T>,
) => T | undefined;

/** The settings of all backends but their networks, which follow from the payees. */
export type BackendConfig = Omit<BackendSettings, 'networks'> & {
  /** Private keys, which sign for relayers without a signer of their own. */
  readonly relayerKeys: readonly Hex[];
};

/** Reads the settings of every kind of backend; undefined for a kind whose variable has a fault. */
export const readKinds = (read: Read<KindVariable>, reach: EgressReach) => ({
  facilitators: read('FACILITATORS', (text) => readFacilitators(text, reach)),
  relayers: read('RELAYERS', (text) => readRelayers(text, reach)),
});

/**
 * Whether a backend of another kind than the relayer may serve a network. A facilitator without a list may serve every network, and so may
 * settings that cannot be read.
 */
export const isServedWithoutRelayer = (
  { facilitators }: Omit<ReturnType<typeof readKinds>, 'relayers'>,
  network: Network,
): boolean =>
  facilitators === undefined ||
  facilitators.some(({ networks }) => networks?.includes(network) ?? true);

/**
 * Reads the settings of all backends.
 *
 * @param read collects the faults.
 * @returns undefined after a fault of a kind.
 */
export const readBackends = (read: Read<BackendVariable>, reach: EgressReach) => {
  const kinds = readKinds(read, reach);
  const relayerKeys = read('RELAYER_KEY', readRelayerKeys) ?? [];
  const cdpId = read('CDP_API_KEY_ID', (text) => ok(text)) ?? '';
  const cdpKey = read('CDP_API_KEY_SECRET', (secret) => readCdpKey(cdpId, secret));
  return isComplete(kinds) ? { ...kinds, relayerKeys, cdpKey } : undefined;
};

/** Checks the settings together: each network has a backend, and each backend has the key that it needs. */
export const backendFaults = (
  payees: Payees,
  backends: NonNullable<ReturnType<typeof readBackends>>,
): readonly { readonly name: BackendVariable; readonly reason: string }[] => {
  const { facilitators, relayers, relayerKeys, cdpKey } = backends;
  const unreached = [...payees.keys()].filter(
    (network) => !relayers.has(network) && !isServedWithoutRelayer(backends, network),
  );
  const stray = [...relayers.keys()].filter((network) => !payees.has(network));
  const keyless = [...relayers.values()].some(({ signer }) => signer === undefined);
  return [
    ...unreached.map((network) => ({
      name: 'FACILITATORS' as const,
      reason: `must hold one for ${network}, or RELAYERS must`,
    })),
    ...stray.map((network) => ({
      name: 'RELAYERS' as const,
      reason: `at ${network}: must not be there, because neither PAY_TO nor FORMER_PAY_TO names it`,
    })),
    ...(keyless && relayerKeys.length === 0
      ? [
          {
            name: 'RELAYER_KEY' as const,
            reason: 'must be set: a relayer has no signer of its own',
          },
        ]
      : []),
    ...(facilitators.some(({ auth }) => auth === 'cdp') && cdpKey === undefined
      ? [
          {
            name: 'CDP_API_KEY_SECRET' as const,
            reason: 'must be set: a facilitator has "auth": "cdp"',
          },
        ]
      : []),
  ];
};

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
      concurrency: z._default(between(1, MAX_REQUESTS), 4),
      perSecond: z.exactOptional(between(1, 1_000)),
      fee: z._default(readingText<bigint>(MONEY_HINT, parseMoney), 0n),
      uptoSender: z.exactOptional(accountSchema),
    },
    'must be an object {"url": "https://…", networks?, auth?, concurrency?, perSecond?, fee?, uptoSender?}',
  );

/** As many as a batch can send: 31 further invocations with six connections each. */
const MAX_REQUESTS = 186;

const LIST = `must be an array of at most ${MAX_URLS} facilitators`;
const facilitatorsSchema = (reach: EgressReach) =>
  z.array(facilitatorSchema(reach), LIST).check(z.maxLength(MAX_URLS, LIST));

/** Reads `FACILITATORS`, in the order in which they are tried. An empty list is for a gateway with a relayer on every network. */
export const readFacilitators = (
  text: string,
  reach: EgressReach,
): Setting<readonly Facilitator[]> => {
  const read = readJson(text, facilitatorsSchema(reach), '[{"url": "https://…"}]');
  if (!read.ok) return read;
  const urls = read.value.map(({ url }) => url);
  return new Set(urls).size === urls.length ? read : err(['names a URL twice']);
};

/** Addresses of one network: each has an object of its own. */
const MAX_ADDRESSES = 16;
const ADDRESSES = 'must be 1 to 16 different nonzero addresses';

const isAddressList = (list: readonly Address[]): boolean =>
  list.length > 0 && list.length <= MAX_ADDRESSES && new Set(list).size === list.length;

const relayerSchema = (reach: EgressReach) =>
  z.strictObject(
    {
      addresses: z.array(accountSchema, ADDRESSES).check(z.refine(isAddressList, ADDRESSES)),
      signer: z.exactOptional(urlSchema(reach)),
      batch: z._default(between(1, 100), 100),
      wait: z._default(between(0, 60), 2),
      maxFeePerGas: z._default(
        readingText<bigint>('must be a decimal string of wei', parseAmount),
        50_000_000_000n,
      ),
      first: z._default(z.boolean('must be true or false'), true),
    },
    'must be an object {"addresses": ["0x…"], signer?, batch?, wait?, maxFeePerGas?, first?}',
  );

const relayersSchema = (reach: EgressReach) =>
  byNetwork<RelayerSetting>(
    relayerSchema(reach) as unknown as z.ZodMiniType<RelayerSetting>,
    'must be an object from network to relayer',
  );

/** Reads `RELAYERS`, the relayers by network. Empty: every payment goes to a facilitator. */
export const readRelayers = (
  text: string,
  reach: EgressReach,
): Setting<ReadonlyMap<Network, RelayerSetting>> =>
  text === ''
    ? ok(new Map())
    : readJson(text, relayersSchema(reach), '{"eip155:8453": {"addresses": ["0x…"]}}');

const RELAYER_KEY_HINT = 'must be 0x and 64 hex digits each';

/** Reads `RELAYER_KEY`, the private keys that pay gas, comma-separated; may be empty. */
export const readRelayerKeys = (text: string): Setting<readonly Hex[]> => {
  const keys = text
    .toLowerCase()
    .split(',')
    .map((key) => key.trim() as Hex);
  if (text === '') return ok([]);
  return keys.every((key) => /^0x[0-9a-f]{64}$/.test(key)) ? ok(keys) : err([RELAYER_KEY_HINT]);
};

const MAX_KEY = 2_048;

/** Reads `CDP_API_KEY_ID` and `CDP_API_KEY_SECRET`, which come together. The secret's form is checked where it signs. */
const readCdpKey = (id: string, secret: string): Setting<CdpKey | undefined> => {
  if (id === '' && secret === '') return ok(undefined);
  if (id === '' || secret === '') return err(['needs both CDP_API_KEY_ID and CDP_API_KEY_SECRET']);
  return id.length <= MAX_KEY && secret.length <= MAX_KEY
    ? ok({ id, secret })
    : err([`may have at most ${MAX_KEY} characters`]);
};
