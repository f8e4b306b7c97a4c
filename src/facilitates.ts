import * as z from 'zod/mini';
import type { Address } from './core/hex.ts';
import { ok } from './core/result.ts';
import type { Network } from './protocol/account-id.ts';
import { accountSchema, byNetwork, readJson, type Setting } from './json-setting.ts';

/** The receiving addresses of other sellers, by network: the gateway verifies and settles their payments as a facilitator. */
export type Facilitates = ReadonlyMap<Network, readonly Address[]>;

const LIST = 'must be an array of 1 to 64 different addresses';

const schema = byNetwork<readonly Address[]>(
  z.array(accountSchema, LIST).check(
    z.minLength(1, LIST),
    z.maxLength(64, LIST),
    z.refine((all) => new Set(all).size === all.length, LIST),
  ),
  'must be an object from network to addresses',
);

/** Reads `FACILITATES`. Empty: the gateway is no facilitator, and the routes do not exist. */
export const readFacilitates = (text: string): Setting<Facilitates> =>
  text === '' ? ok(new Map()) : readJson(text, schema, '{"eip155:8453": ["0x…"]}');

/**
 * Checks the addresses against the other settings. Only the relayer settles for others, because a facilitator would charge each payment.
 * `PAY_TO` receives nothing but the gateway's own sales: a transfer there that no call explains is a difference of the reconciliation.
 */
export const facilitatesFaults = (
  facilitates: Facilitates,
  payTo: ReadonlyMap<Network, Address>,
  relayers: ReadonlyMap<Network, unknown>,
): readonly string[] =>
  [...facilitates].flatMap(([network, addresses]) => [
    ...(relayers.has(network) ? [] : [`at ${network}: needs a relayer in RELAYERS`]),
    ...(addresses.some((address) => address === payTo.get(network))
      ? [`at ${network}: must not hold the address of PAY_TO`]
      : []),
  ]);
