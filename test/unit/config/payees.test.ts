import { describe, expect, it } from 'vitest';
import {
  type Environment,
  gatewayAccount,
  isReceiver,
  parseConfig,
} from '../../../src/config/config.ts';
import type { Address } from '../../../src/core/hex.ts';
import { accountId } from '../../../src/protocol/account-id.ts';
import { CHECKSUMMED, complete, faultsOf, namesOf, tools } from './config-fixture.ts';

const SEPOLIA = 'eip155:84532';
const BASE = 'eip155:8453';
const MAINNET = 'eip155:1';
const OLD = `0x${'01'.repeat(20)}` as const;
const OLDER = `0x${'02'.repeat(20)}` as const;
const NEW = CHECKSUMMED.toLowerCase();
const KEEPER = `${SEPOLIA}:${OLD}` as const;
const OFFERED = accountId(SEPOLIA, CHECKSUMMED.toLowerCase() as Address);

const moving = (former: object, more: Environment = {}): Environment => ({
  FORMER_PAY_TO: JSON.stringify(former),
  GATEWAY_ACCOUNT: KEEPER,
  ...more,
});
const configOf = (change: Environment) => {
  const parsed = parseConfig({ ...complete, ...change }, tools);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
};

describe('FORMER_PAY_TO', () => {
  it('adds payees that are settled and never offered', () => {
    const config = configOf(moving({ [SEPOLIA]: [OLD, OLDER] }));
    expect(config.payTo.get(SEPOLIA)).toBe(NEW);
    expect(config.payees.get(SEPOLIA)).toEqual([NEW, OLD, OLDER]);
    expect(config.payees.get(BASE)).toEqual([config.payTo.get(BASE)]);
  });

  it('may name a network that sells nothing, which then needs nodes and a backend', () => {
    const closing = moving(
      { [BASE]: [OLD] },
      { PAY_TO: JSON.stringify({ [SEPOLIA]: CHECKSUMMED }) },
    );
    const config = configOf(closing);
    expect(config.networks).toEqual([SEPOLIA]);
    expect([...config.payees]).toEqual([
      [SEPOLIA, [NEW]],
      [BASE, [OLD]],
    ]);
    expect(faultsOf({ ...closing, RPC_URLS: `{"${SEPOLIA}": ["https://a.example"]}` })).toEqual([
      {
        name: 'RPC_URLS',
        reason: `at ${BASE}: must have URLs, because PAY_TO or FORMER_PAY_TO names it`,
      },
    ]);
    const facilitator = { url: 'https://f.example', networks: [SEPOLIA] };
    expect(faultsOf({ ...closing, FACILITATORS: JSON.stringify([facilitator]) })).toEqual([
      { name: 'FACILITATORS', reason: `must hold one for ${BASE}, or RELAYERS must` },
    ]);
  });

  it('must not hold an address that is offered on its network', () => {
    expect(faultsOf(moving({ [SEPOLIA]: [CHECKSUMMED] }))).toEqual([
      { name: 'FORMER_PAY_TO', reason: `at ${SEPOLIA}: must not hold the address of PAY_TO` },
    ]);
    expect(faultsOf(moving({ [BASE]: [CHECKSUMMED] }))).toEqual([]);
  });

  it('keeps a facilitator for others away from former payees', () => {
    const relayers = { [BASE]: { addresses: [CHECKSUMMED], signer: 'https://signer.example' } };
    const facilitates = moving(
      { [BASE]: [OLD] },
      {
        FACILITATES: JSON.stringify({ [BASE]: [OLD] }),
        RELAYERS: JSON.stringify(relayers),
      },
    );
    expect(namesOf(facilitates)).toEqual(['FACILITATES']);
  });

  it.each([
    CHECKSUMMED,
    '[]',
    '{}',
    `{"${SEPOLIA}": "${OLD}"}`,
    `{"${SEPOLIA}": []}`,
    `{"${SEPOLIA}": ["${OLD}", "${OLD}"]}`,
    `{"${SEPOLIA}": ["0x12"]}`,
    `{"base": ["${OLD}"]}`,
    '{"eip155:5": ["0x0101010101010101010101010101010101010101"]}',
  ])('refuses %s', (text) => {
    expect(namesOf({ FORMER_PAY_TO: text, GATEWAY_ACCOUNT: KEEPER })).toContain('FORMER_PAY_TO');
  });

  it('asks for GATEWAY_ACCOUNT: a new first payee would be a gateway without tools and webhooks', () => {
    expect(namesOf({ FORMER_PAY_TO: JSON.stringify({ [SEPOLIA]: [OLD] }) })).toEqual([
      'GATEWAY_ACCOUNT',
    ]);
  });
});

describe('GATEWAY_ACCOUNT', () => {
  it('is the account of the first payee by default', () => {
    expect(gatewayAccount(configOf({}))).toBe(`${SEPOLIA}:${NEW}`);
  });

  it('stays when the payee changes, and stays for operators only', () => {
    const config = configOf({ GATEWAY_ACCOUNT: `${MAINNET}:${OLD}` });
    expect(gatewayAccount(config)).toBe(`${MAINNET}:${OLD}`);
    expect(isReceiver(config, `${MAINNET}:${OLD}`)).toBe(true);
    expect(isReceiver(config, `${SEPOLIA}:${OLD}`)).toBe(false);
  });

  it('is no stranger’s account while its address is a former payee', () => {
    const config = configOf(moving({ [BASE]: [OLDER] }));
    for (const account of [KEEPER, OFFERED, accountId(BASE, OLDER)]) {
      expect(isReceiver(config, account)).toBe(true);
    }
    expect(isReceiver(config, `${SEPOLIA}:${OLDER}`)).toBe(false);
  });

  it.each([OLD, `${SEPOLIA}:${CHECKSUMMED}`, `${SEPOLIA}:0x${'0'.repeat(40)}`, 'eip155:0:0x12'])(
    'refuses %s',
    (text) => expect(namesOf({ GATEWAY_ACCOUNT: text })).toEqual(['GATEWAY_ACCOUNT']),
  );
});

describe('FORMER_RECEIPT_KEYS', () => {
  const key = { kty: 'OKP', crv: 'Ed25519', x: 'x'.repeat(43) };

  it('holds keys as the key set publishes them', () => {
    const published = { ...key, x: 'y'.repeat(43), kid: 'k', alg: 'EdDSA', use: 'sig' };
    const text = JSON.stringify([key, published]);
    expect(configOf({ FORMER_RECEIPT_KEYS: text }).formerReceiptKeys).toEqual([
      'x'.repeat(43),
      'y'.repeat(43),
    ]);
  });

  it.each([
    ['a private key', [{ ...key, d: 'd'.repeat(43) }]],
    ['another curve', [{ ...key, crv: 'P-256' }]],
    ['a short key', [{ ...key, x: 'x' }]],
    ['no list', key],
    ['too many', Array.from({ length: 17 }, () => key)],
  ])('refuses %s, and never repeats it', (_, value) => {
    const faults = faultsOf({ FORMER_RECEIPT_KEYS: JSON.stringify(value) });
    expect(faults.map(({ name }) => name)).toEqual(['FORMER_RECEIPT_KEYS']);
    expect(JSON.stringify(faults)).not.toMatch(/d{9}|x{9}/);
  });
});
