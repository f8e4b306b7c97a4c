import fc from 'fast-check';
import { hashDomain, hashTypedData, type Hex } from 'viem';
import { describe, expect, it } from 'vitest';
import type { Token } from '../../../src/protocol/payment.ts';
import { uintWord } from '../../../src/crypto/typed-data.ts';
import {
  tokenDomainSeparator,
  transferWithAuthorizationDigest,
} from '../../../src/protocol/x402/authorization.ts';
import { tokenNetworks, tokenOf } from '../../../src/protocol/x402/networks.ts';
import vectors from '../../vectors/countersign-v1.json';

const TYPES = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

const token = (network: Token['network']): Token => {
  const found = tokenOf(network);
  if (found === undefined) throw new Error(`no token on ${network}`);
  return found;
};

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map(
      (array): Hex => `0x${[...array].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`,
    );
const uint = fc.bigInt({ min: 0n, max: (1n << 256n) - 1n });
const authorizations = fc.record({
  from: hex(20),
  to: hex(20),
  value: uint,
  validAfter: uint,
  validBefore: uint,
  nonce: hex(32),
});

const domainOf = (of: Token) => ({
  name: of.name,
  version: of.version,
  chainId: Number(of.network.slice('eip155:'.length)),
  verifyingContract: of.address,
});

describe('transferWithAuthorizationDigest', () => {
  it.each([vectors.paid.payment, vectors.paid.paymentSettledLater])(
    'equals the published vector %#',
    ({ authorization, digest }) => {
      expect(
        transferWithAuthorizationDigest(token('eip155:84532'), {
          from: authorization.from.toLowerCase() as Hex,
          to: authorization.to.toLowerCase() as Hex,
          value: BigInt(authorization.value),
          validAfter: BigInt(authorization.validAfter),
          validBefore: BigInt(authorization.validBefore),
          nonce: authorization.nonce as Hex,
        }),
      ).toBe(digest);
    },
  );

  it('agrees with viem on any authorization of any known token', () => {
    fc.assert(
      fc.property(fc.constantFrom(...tokenNetworks), authorizations, (network, message) => {
        const of = token(network);
        expect(transferWithAuthorizationDigest(of, message)).toBe(
          hashTypedData({
            domain: domainOf(of),
            types: TYPES,
            primaryType: 'TransferWithAuthorization',
            message,
          }),
        );
      }),
      { numRuns: 1000 },
    );
  });
});

describe('tokenDomainSeparator', () => {
  it('agrees with the contract of USDC on Base', () => {
    expect(tokenDomainSeparator(token('eip155:8453'))).toBe(
      '0x02fa7265e7c5d81118673727957699e4d68f74cd74b7db77da710fe8a2c7834f',
    );
  });

  it('differs for tokens that differ in one part of their domain', () => {
    const base = token('eip155:84532');
    const twins: Token[] = [
      base,
      { ...base, name: 'USD Coin' },
      { ...base, version: '1' },
      { ...base, network: 'eip155:8453' },
      { ...base, address: token('eip155:8453').address },
    ];
    const types = {
      EIP712Domain: [
        { name: 'name', type: 'string' },
        { name: 'version', type: 'string' },
        { name: 'chainId', type: 'uint256' },
        { name: 'verifyingContract', type: 'address' },
      ],
    } as const;
    const separators = twins.map(tokenDomainSeparator);
    expect(separators).toEqual(
      twins.map((twin) => {
        const domain = domainOf(twin);
        return hashDomain({ domain: { ...domain, chainId: BigInt(domain.chainId) }, types });
      }),
    );
    expect(new Set(separators).size).toBe(twins.length);
  });
});

describe('uintWord', () => {
  it.each([-1n, 1n << 256n])('rejects %s, which does not fit one word', (value) => {
    expect(() => uintWord(value)).toThrow(RangeError);
  });
});
