import type { Address } from '../core/hex.ts';
import { ok } from '../core/result.ts';
import type { Network } from '../protocol/account-id.ts';
import type { Payees } from './payees.ts';
import { addressesByNetwork, readJson, type Setting } from './json-setting.ts';

/** The receiving addresses of other sellers, by network: the gateway verifies and settles their payments as a facilitator. */
export type Facilitates = ReadonlyMap<Network, readonly Address[]>;

/** Reads `FACILITATES`. Empty: the gateway does not settle for others, and the routes do not exist. */
export const readFacilitates = (text: string): Setting<Facilitates> =>
  text === '' ? ok(new Map()) : readJson(text, addressesByNetwork, '{"eip155:8453": ["0x…"]}');

/**
 * Checks the addresses against the other settings. Only the relayer settles for others, because a facilitator would charge each payment.
 * A payee receives nothing but the gateway's own sales: a transfer there that no call explains is a difference of the reconciliation.
 */
export const facilitatesFaults = (
  facilitates: Facilitates,
  payees: Payees,
  relayers: ReadonlyMap<Network, unknown>,
): readonly string[] =>
  [...facilitates].flatMap(([network, addresses]) => [
    ...(relayers.has(network) ? [] : [`at ${network}: needs a relayer in RELAYERS`]),
    ...(addresses.some((address) => payees.get(network)?.includes(address) === true)
      ? [`at ${network}: must not hold an address of PAY_TO or FORMER_PAY_TO`]
      : []),
  ]);
