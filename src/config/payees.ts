import { type Address, ZERO_ADDRESS } from '../core/hex.ts';
import { err, ok } from '../core/result.ts';
import {
  accountSchema,
  addressesByNetwork,
  byNetwork,
  readJson,
  type Setting,
} from './json-setting.ts';
import { type AccountId, type Network, parseAccountId } from '../protocol/account-id.ts';
import { tokenOf } from '../protocol/x402/networks.ts';

/** The payees of each network. */
export type Payees = ReadonlyMap<Network, readonly Address[]>;

const payToSchema = byNetwork(accountSchema, 'must be an object from network to address');

/** Reads `PAY_TO`: the payee by network. Rejects a network without a pinned token, which no offer could name. */
export const readPayTo = (text: string): Setting<ReadonlyMap<Network, Address>> => {
  const read = readJson(text, payToSchema, '{"eip155:8453": "0x…"}');
  return read.ok ? withTokens(read.value) : read;
};

/** Reads `FORMER_PAY_TO`: payees that offers no longer name. The gateway still settles payments that were promised to them. */
export const readFormerPayTo = (text: string): Setting<Payees> => {
  if (text === '') return ok(new Map());
  const read = readJson(text, addressesByNetwork, '{"eip155:8453": ["0x…"]}');
  return read.ok ? withTokens(read.value) : read;
};

const withTokens = <T>(read: ReadonlyMap<Network, T>): Setting<ReadonlyMap<Network, T>> => {
  const unknown = [...read.keys()].filter((network) => tokenOf(network) === undefined);
  return unknown.length === 0
    ? ok(read)
    : err(unknown.map((network) => `at ${network}: no token is known on this network`));
};

/** All payees: of each network the offered one first, then the former ones. A network that sells nothing has only former ones. */
export const allPayees = (payTo: ReadonlyMap<Network, Address>, former: Payees): Payees =>
  new Map(
    [...new Set([...payTo.keys(), ...former.keys()])].map((network) => {
      const offered = payTo.get(network);
      const rest = former.get(network) ?? [];
      return [network, offered === undefined ? rest : [offered, ...rest]];
    }),
  );

/** Checks `FORMER_PAY_TO` against `PAY_TO`: an address that is offered is not a former one. */
export const formerFaults = (
  payTo: ReadonlyMap<Network, Address>,
  former: Payees,
): readonly string[] =>
  [...former]
    .filter(([network, all]) => all.some((address) => address === payTo.get(network)))
    .map(([network]) => `at ${network}: must not hold the address of PAY_TO`);

/** Reads `GATEWAY_ACCOUNT`: the account that keeps tools and webhooks. Empty: the account of the first payee. */
export const readGatewayAccount = (text: string): Setting<AccountId | undefined> => {
  if (text === '') return ok(undefined);
  const account = parseAccountId(text);
  return account === undefined || account.address === ZERO_ADDRESS
    ? err(['must be an account like "eip155:8453:0x…", in lower case'])
    : ok(text as AccountId);
};
