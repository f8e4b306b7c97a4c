import { mnemonicToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { people } from '../../../dev/stack/people.ts';
import type { Address } from '../../../src/core/hex.ts';
import { keyFaults } from '../../../src/config/key-faults.ts';
import { network, type Network } from '../../../src/protocol/account-id.ts';

const SEPOLIA = network(84532);
const BASE = network(8453);
const OWN: Address = `0x${'a1'.repeat(20)}`;
const RELAYER: Address = `0x${'b2'.repeat(20)}`;
const [receipt, log] = ['r'.repeat(43), 'l'.repeat(43)];
const jwk = (x: string) => JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x, d: 'd'.repeat(43) });

const faultsOf = (
  networks: readonly Network[],
  { payTo = OWN, relayer = RELAYER, operator = OWN, foreign = '' } = {},
): readonly string[] => {
  const relayers = new Map(networks.map((on) => [on, { addresses: [relayer] }]));
  const config = {
    payees: new Map(networks.map((on): [Network, [Address]] => [on, [payTo]])),
    relayers: relayers as never,
    operators: [operator],
    receiptKey: jwk(receipt),
  } as const;
  return keyFaults(config, { FOREIGN_KEYS: foreign, LOG_KEY: jwk(log) }).map(({ name }) => name);
};

describe('the keys of an environment', () => {
  it.each([
    ['payee', OWN.toUpperCase().replace('0X', '0x'), 'PAY_TO'],
    ['relayer', RELAYER, 'RELAYERS'],
    ['receipt key', receipt, 'RECEIPT_KEY'],
    ['log key', log, 'LOG_KEY'],
  ])('are refused if another environment has the same %s', (_, key, name) => {
    for (const on of [SEPOLIA, BASE])
      expect(faultsOf([on], { foreign: `${'x'.repeat(43)}, ${key}` })).toEqual([name]);
    expect(faultsOf([BASE], { foreign: 'x'.repeat(43) })).toEqual([]);
  });

  it('are refused if the list of the others cannot be read', () => {
    for (const foreign of ['0x12', `${OWN},`, 'key'])
      expect(faultsOf([SEPOLIA], { foreign })).toEqual(['FOREIGN_KEYS']);
  });

  it('are for test networks or for others, never for both', () => {
    expect(faultsOf([BASE, SEPOLIA])).toEqual(['PAY_TO']);
    expect(faultsOf([BASE, network(137)])).toEqual([]);
    expect(faultsOf([SEPOLIA, network(80002)])).toEqual([]);
  });

  it('are refused on networks with real money if anyone can derive them', () => {
    const phrase = 'test test test test test test test test test test test junk';
    const anvil = Array.from({ length: 10 }, (_, addressIndex) =>
      mnemonicToAccount(phrase, { addressIndex }),
    );
    const { operator, owner, agent, agents, facilitators, relayer, payTo, seller } = people;
    const keys = [...anvil, operator, owner, agent, ...agents, ...facilitators, relayer];
    for (const text of [...keys.map(({ address }) => address), payTo, seller]) {
      const address = text.toLowerCase() as Address;
      expect(faultsOf([BASE], { payTo: address }), address).toEqual(['PAY_TO']);
      expect(faultsOf([BASE], { relayer: address }), address).toEqual(['RELAYERS']);
      expect(faultsOf([BASE], { operator: address }), address).toEqual(['OPERATORS']);
      expect(faultsOf([SEPOLIA], { payTo: address, relayer: address, operator: address })).toEqual(
        [],
      );
    }
  });
});
