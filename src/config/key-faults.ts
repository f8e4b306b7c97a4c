import type { Address } from '../core/hex.ts';
import { isObject } from '../core/json-object.ts';
import { parseAddress } from '../crypto/address.ts';
import type { Network } from '../protocol/account-id.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import { isTestNetwork } from '../protocol/test-networks.ts';
import type { Config, ConfigFault } from './config.ts';
import { PUBLIC_KEYS } from './public-keys.ts';

/** The variables that are read here besides the configuration. */
type Variables = {
  readonly FOREIGN_KEYS?: string | undefined;
  readonly LOG_KEY?: string | undefined;
};

type Checked = Pick<Config, 'payees' | 'relayers' | 'operators' | 'receiptKey'>;

/** The public form of a key of a gateway, and the variable that names the key. */
export type OwnKey = { readonly name: string; readonly key: string };

/** The public keys and addresses of a gateway that no other environment may have. */
export const ownKeys = (
  { payees, relayers, receiptKey }: Pick<Config, 'payees' | 'relayers' | 'receiptKey'>,
  { LOG_KEY = '' }: Pick<Variables, 'LOG_KEY'>,
): readonly OwnKey[] => [
  ...[...payees.values()].flat().map((key) => ({ name: 'PAY_TO', key })),
  ...[...relayers.values()].flatMap(({ addresses }) =>
    addresses.map((key) => ({ name: 'RELAYERS', key })),
  ),
  ...publicKeyOf(receiptKey).map((key) => ({ name: 'RECEIPT_KEY', key })),
  ...publicKeyOf(LOG_KEY).map((key) => ({ name: 'LOG_KEY', key })),
];

/**
 * Keeps keys of production and of tests apart: a gateway is on test networks or on others, never on both; on networks with real money it has no
 * key that is public; and nowhere it has a key of another environment, which `FOREIGN_KEYS` lists.
 *
 * @returns faults, which name a variable and never a secret
 */
export const keyFaults = (config: Checked, variables: Variables): readonly ConfigFault[] => {
  const networks = [...config.payees.keys()];
  const foreign = readForeignKeys(variables.FOREIGN_KEYS?.trim() ?? '');
  if (foreign === undefined)
    return [
      {
        name: 'FOREIGN_KEYS',
        reason: 'must be addresses and public Ed25519 keys (x of a JWK), comma-separated',
      },
    ];
  return [
    ...mixFaults(networks),
    ...(networks.every(isTestNetwork) ? [] : publicKeyFaults(config)),
    ...ownKeys(config, variables)
      .filter(({ key }) => foreign.has(key))
      .map(({ name, key }) => ({
        name,
        reason: `uses ${key}, which FOREIGN_KEYS lists as a key of another environment. Each environment needs keys of its own (docs/region.md)`,
      })),
  ];
};

const mixFaults = (networks: readonly Network[]): readonly ConfigFault[] => {
  const test = networks.find(isTestNetwork);
  const real = networks.find((on) => !isTestNetwork(on));
  return test === undefined || real === undefined
    ? []
    : [
        {
          name: 'PAY_TO',
          reason: `names the test network ${test} and ${real}: one key would sign receipts of worthless and of real payments. Sell on test networks in an environment of their own (docs/region.md)`,
        },
      ];
};

const publicKeyFaults = ({
  payees,
  relayers,
  operators,
}: Pick<Checked, 'payees' | 'relayers' | 'operators'>): readonly ConfigFault[] => {
  const faultOf = (name: string) => (address: Address) =>
    PUBLIC_KEYS.has(address)
      ? [
          {
            name,
            reason: `uses ${address}, whose private key is public. It may be used on test networks only`,
          },
        ]
      : [];
  return [
    ...[...payees.values()].flat().flatMap(faultOf('PAY_TO')),
    ...[...relayers.values()].flatMap(({ addresses }) => addresses.flatMap(faultOf('RELAYERS'))),
    ...operators.flatMap(faultOf('OPERATORS')),
  ];
};

const PUBLIC_KEY = /^[A-Za-z0-9_-]{43}$/;
/** An environment has a few dozen keys at most. */
const MAX_FOREIGN = 256;

const readForeignKeys = (text: string): ReadonlySet<string> | undefined => {
  if (text === '') return new Set();
  const all = text.split(',').map((each) => each.trim());
  const read = all.flatMap((each) => (PUBLIC_KEY.test(each) ? [each] : (parseAddress(each) ?? [])));
  return all.length > MAX_FOREIGN || read.length !== all.length ? undefined : new Set(read);
};

/** `x` of an Ed25519 key as JWK; nothing for a text that is none: its own reader reports that. */
const publicKeyOf = (jwk: string): readonly string[] => {
  const read = jwk === '' ? undefined : parseStrictJson(jwk);
  const x = read?.ok === true && isObject(read.value) ? read.value['x'] : undefined;
  return typeof x === 'string' ? [x] : [];
};
