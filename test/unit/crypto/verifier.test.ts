import fc from 'fast-check';
import { recoverAddress, type Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount, sign } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { ZERO_ADDRESS } from '../../../src/core/hex.ts';
import { recoverStrict, verifyStrict } from '../../../src/crypto/verifier.ts';
import vectors from '../../vectors/countersign-v1.json';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const agent = vectors.keys.agent.address.toLowerCase() as Hex;
const unpaid = {
  digest: vectors.unpaid.intentHash as Hex,
  signature: vectors.unpaid.signature as Hex,
  bad: vectors.mustFail.unpaidSignatureEncodings,
};
const payment = {
  digest: vectors.paid.payment.digest as Hex,
  signature: vectors.paid.payment.signature as Hex,
  bad: vectors.mustFail.paymentSignatureEncodings,
};
const word = (value: bigint) => value.toString(16).padStart(64, '0');
const encoded = (r: bigint, s: bigint, v: number): Hex =>
  `0x${word(r)}${word(s)}${v.toString(16).padStart(2, '0')}`;

describe.each([
  ['unpaid', unpaid],
  ['payment', payment],
])('the %s vectors', (_, { digest, signature, bad }) => {
  it('verify in their canonical encoding', () => {
    expect(verifyStrict(agent, digest, signature)).toEqual({ ok: true, value: agent });
  });

  it.each([
    ['highS', 'high_s'],
    ['v0or1', 'recovery_byte'],
    ['compact2098', 'signature_length'],
    ['trailingByte', 'signature_length'],
    ['wrongParity', 'wrong_signer'],
    ['zero', 'r_out_of_range'],
  ] as const)('are refused as %s: %s', (encoding, reason) => {
    expect(verifyStrict(agent, digest, bad[encoding])).toMatchObject({
      ok: false,
      error: { reason },
    });
  });

  it('name every published encoding', () => {
    expect(Object.keys(bad).toSorted()).toEqual(
      ['compact2098', 'highS', 'trailingByte', 'v0or1', 'wrongParity', 'zero'].toSorted(),
    );
  });
});

describe('recoverStrict', () => {
  const { digest } = payment;
  const r = BigInt(payment.signature.slice(0, 66));
  const s = BigInt(`0x${payment.signature.slice(66, 130)}`);

  it.each([
    ['r = 0', encoded(0n, s, 27), 'r_out_of_range'],
    ['r = n', encoded(ORDER, s, 27), 'r_out_of_range'],
    ['r = 2^256 - 1', encoded((1n << 256n) - 1n, s, 27), 'r_out_of_range'],
    ['s = 0', encoded(r, 0n, 27), 's_out_of_range'],
    ['s = n', encoded(r, ORDER, 27), 's_out_of_range'],
    ['s = n/2 + 1', encoded(r, (ORDER >> 1n) + 1n, 27), 'high_s'],
    ['v = 26', encoded(r, s, 26), 'recovery_byte'],
    ['v = 29', encoded(r, s, 29), 'recovery_byte'],
    ['r is no point', encoded(5n, s, 27), 'unrecoverable'],
  ])('refuses %s', (_, signature, reason) => {
    expect(recoverStrict(digest, signature)).toMatchObject({ ok: false, error: { reason } });
  });

  it('accepts s = n/2, the highest low s', async () => {
    const signature = encoded(r, ORDER >> 1n, 27);
    const expected = await recoverAddress({ hash: digest, signature });
    expect(recoverStrict(digest, signature)).toEqual({ ok: true, value: expected.toLowerCase() });
  });

  it.each([
    '',
    '0x',
    '0xzz',
    'garbage',
    '0x123',
    `${payment.signature}0`,
    payment.signature.slice(2),
  ])('refuses %j', (signature) => {
    expect(recoverStrict(digest, signature).ok).toBe(false);
  });

  it('refuses a signature whose key would be the point at infinity', () => {
    // With R = G, s = digest and r = G.x: Q = (s·R - digest·G) / r is the point at infinity.
    const gx = 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n;
    expect(recoverStrict(`0x${word(7n)}`, encoded(gx, 7n, 27))).toMatchObject({
      error: { reason: 'unrecoverable' },
    });
  });

  it('recovers the account of signatures that viem made', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (bytes) => {
        const hash: Hex = `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
        const privateKey = generatePrivateKey();
        const signature = await sign({ hash, privateKey, to: 'hex' });
        expect(recoverStrict(hash, signature)).toEqual({
          ok: true,
          value: privateKeyToAccount(privateKey).address.toLowerCase(),
        });
      }),
      { numRuns: 50 },
    );
  });

  it('returns a result for any text, and an account only where viem recovers the same', async () => {
    const mutated = fc
      .tuple(fc.nat({ max: 129 }), fc.constantFrom(...'0123456789abcdef'.split('')))
      .map(([at, digit]) => {
        const digits = payment.signature.slice(2);
        return `0x${digits.slice(0, at)}${digit}${digits.slice(at + 1)}`;
      });
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, fc.string()), async (signature) => {
        const result = recoverStrict(digest, signature);
        const agrees = result.ok
          ? result.value ===
            (await recoverAddress({ hash: digest, signature: signature as Hex })).toLowerCase()
          : /^[a-z0-9_]+$/.test(result.error.reason);
        expect(agrees).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('verifyStrict', () => {
  it('refuses the zero address, which ecrecover returns for garbage', () => {
    expect(verifyStrict(ZERO_ADDRESS, payment.digest, payment.signature)).toEqual({
      ok: false,
      error: { reason: 'zero_address' },
    });
  });

  it('refuses a signature of another digest and names both accounts', () => {
    const result = verifyStrict(agent, unpaid.digest, payment.signature);
    expect(result).toMatchObject({ ok: false, error: { reason: 'wrong_signer', expected: agent } });
  });
});
