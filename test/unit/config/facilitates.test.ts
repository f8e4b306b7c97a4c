import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/config.ts';
import { CHECKSUMMED, complete, faultsOf, relayerOf, tools } from './config-fixture.ts';

const SELLER = `0x${'5E'.repeat(20)}`;
const RELAYERS = relayerOf({});
const facilitates = (addresses: unknown, network = 'eip155:8453') =>
  faultsOf({ ...complete, RELAYERS, FACILITATES: JSON.stringify({ [network]: addresses }) });

describe('FACILITATES', () => {
  it('is empty by default', () => {
    const result = parseConfig(complete, tools);
    expect(result).toMatchObject({ ok: true, value: { facilitates: new Map() } });
  });

  it('reads receiving addresses by network', () => {
    const FACILITATES = JSON.stringify({ 'eip155:8453': [SELLER] });
    expect(parseConfig({ ...complete, RELAYERS, FACILITATES }, tools)).toMatchObject({
      ok: true,
      value: { facilitates: new Map([['eip155:8453', [SELLER.toLowerCase()]]]) },
    });
  });

  it.each<[string, unknown]>([
    ['no address', []],
    ['the zero address', [`0x${'0'.repeat(40)}`]],
    ['an address twice', [SELLER, SELLER.toLowerCase()]],
    ['an address with a wrong checksum', [CHECKSUMMED.replace('aA', 'Aa')]],
    [
      'more than 64 addresses',
      Array.from({ length: 65 }, (_, id) => `0x${(id + 1).toString(16).padStart(40, '0')}`),
    ],
    ['an address outside a list', SELLER],
    ['the address of PAY_TO', [`0x${'AB'.repeat(20)}`]],
  ])('rejects %s', (_, addresses) => {
    expect(facilitates(addresses)).toEqual([
      { name: 'FACILITATES', reason: expect.stringContaining('at eip155:8453') },
    ]);
  });

  it('rejects a network without a relayer, and text that is not JSON', () => {
    expect(facilitates([SELLER], 'eip155:84532')).toEqual([
      {
        name: 'FACILITATES',
        reason: 'at eip155:84532: needs a relayer in RELAYERS',
      },
    ]);
    for (const FACILITATES of ['[]', '{}', 'x']) {
      expect(faultsOf({ ...complete, FACILITATES }).map(({ name }) => name)).toEqual([
        'FACILITATES',
      ]);
    }
  });
});
