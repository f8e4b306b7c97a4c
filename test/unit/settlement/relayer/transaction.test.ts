import fc from 'fast-check';
import {
  bytesToHex,
  hexToBytes,
  keccak256,
  parseTransaction,
  recoverTransactionAddress,
  serializeTransaction,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { describe, expect, test } from 'vitest';
import {
  addressOfPrivateKey,
  readSigned,
  readUnsigned,
  signRequest,
  signTransaction,
  type UnsignedTransaction,
} from '../../../../src/settlement/relayer/transaction.ts';
import { addressOf } from './people.ts';

const key = generatePrivateKey();
const account = privateKeyToAccount(key);
const address = addressOfPrivateKey(key);
const unsigned: UnsignedTransaction = {
  chainId: 84532,
  nonce: 7,
  to: addressOf(0xcc),
  data: '0x12345678',
  gas: 230_000n,
  maxFeePerGas: 21_000_000_000n,
  maxPriorityFeePerGas: 1_000_000_000n,
};
const viemOf = (transaction: UnsignedTransaction) => ({ ...transaction, type: 'eip1559' as const });

const whole = fc.oneof(fc.constantFrom(0, 1, 127, 128, 255, 256), fc.maxSafeNat());
/** Lengths around those at which RLP changes the encoding of a length. */
const data = fc
  .oneof(
    fc.constantFrom('', '00', '7f', '80', 'ff'),
    ...[55, 56, 255, 256, 65_535, 65_536].map((size) => fc.constant('7f'.repeat(size))),
    fc.uint8Array({ maxLength: 600 }).map((bytes) => bytesToHex(bytes).slice(2)),
  )
  .map((digits) => `0x${digits}` as const);
const transactions = fc
  .record({
    chainId: whole.filter((id) => id > 0),
    nonce: whole,
    data,
    gas: fc.bigInt({ min: 0n, max: 2n ** 64n }),
    maxPriorityFeePerGas: fc.bigInt({ min: 0n, max: 2n ** 128n }),
    base: fc.bigInt({ min: 0n, max: 2n ** 127n }),
  })
  .map(({ base, ...rest }): UnsignedTransaction => ({
    ...rest,
    to: unsigned.to,
    maxFeePerGas: rest.maxPriorityFeePerGas + base,
  }));

describe('signTransaction', () => {
  test('signs the bytes that viem signs', async () => {
    for (const one of [unsigned, { ...unsigned, nonce: 0 }, { ...unsigned, data: '0x' as const }]) {
      const signed = signTransaction(one, key);
      expect(signed.raw).toBe(await account.signTransaction(viemOf(one)));
      expect(signed.hash).toBe(keccak256(signed.raw));
      expect(
        await recoverTransactionAddress({ serializedTransaction: signed.raw as `0x02${string}` }),
      ).toBe(account.address);
    }
    expect(address).toBe(account.address.toLowerCase());
  });

  test('agrees with viem on every length and number, and reads its own bytes again', async () => {
    await fc.assert(
      fc.asyncProperty(transactions, async (one) => {
        const { raw, hash } = signTransaction(one, key);
        const { r = '0x', s = '0x', yParity = 0 } = parseTransaction(raw as `0x02${string}`);
        expect(raw).toBe(serializeTransaction(viemOf(one), { r, s, yParity }));
        expect(hash).toBe(keccak256(raw));
        expect(readUnsigned(raw)).toEqual(one);
        expect(readSigned(raw, one, address)?.raw).toBe(raw);
      }),
      { numRuns: 100 },
    );
  });
});

describe('readUnsigned and readSigned', () => {
  const { raw } = signTransaction(unsigned, key);

  test('read a transaction in its one encoding only', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: raw.length / 2 - 2 }),
        fc.integer({ min: 1, max: 255 }),
        (at, by) => {
          const bytes = hexToBytes(raw);
          bytes[at] = (bytes[at] ?? 0) ^ by;
          expect(readSigned(bytesToHex(bytes), unsigned, address)).toBeUndefined();
        },
      ),
    );
    // Encodes the list's length in one byte more than necessary.
    const long = `0x02f900${raw.slice(6)}` as const;
    expect(raw.slice(0, 6)).toBe('0x02f8');
    expect(readSigned(long, unsigned, address)).toBeUndefined();
    expect(() => readUnsigned(long)).toThrow(Error);
  });

  test('throw for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const arbitrary = `0x02${bytesToHex(bytes).slice(2)}` as const;
        expect(() => readUnsigned(arbitrary)).toThrow(Error);
        expect(readSigned(arbitrary, unsigned, address)).toBeUndefined();
      }),
    );
  });

  test('throw for a transaction with value or an access list', async () => {
    const accessList = [{ address: addressOf(1), storageKeys: [] }];
    for (const more of [{ value: 1n }, { accessList }]) {
      const other = await account.signTransaction({ ...viemOf(unsigned), ...more });
      expect(() => readUnsigned(other)).toThrow('not a transaction of the relayer');
    }
  });
});

describe('signRequest', () => {
  test.for([unsigned, { ...unsigned, data: '0x', nonce: 0 } as const])(
    'has every field as a quantity or data, but no empty data',
    (one) => {
      expect(signRequest(one, address)).toEqual({
        from: address,
        to: one.to,
        chainId: '0x14a34',
        nonce: one.nonce === 0 ? '0x0' : '0x7',
        value: '0x0',
        gas: '0x38270',
        ...(one.data === '0x' ? {} : { data: one.data }),
        maxFeePerGas: '0x4e3b29200',
        maxPriorityFeePerGas: '0x3b9aca00',
        type: '0x2',
      });
    },
  );
});

describe('readSigned', () => {
  const sign = async (changes: Partial<UnsignedTransaction>, by = account) =>
    by.signTransaction(viemOf({ ...unsigned, ...changes }));

  test('accepts the requested transaction', async () => {
    const raw = await sign({});
    expect(readSigned(raw, unsigned, address)).toEqual({ raw, hash: keccak256(raw) });
  });

  test.for([
    ['chain', { chainId: 1 }],
    ['nonce', { nonce: 8 }],
    ['recipient', { to: addressOf(0xdd) }],
    ['data', { data: '0x12345679' as const }],
    ['gas limit', { gas: 230_001n }],
    ['fee cap', { maxFeePerGas: 21_000_000_001n }],
    ['tip', { maxPriorityFeePerGas: 1_000_000_001n }],
  ] as const)('rejects a transaction with another %s', async ([, changes]) => {
    expect(readSigned(await sign(changes), unsigned, address)).toBeUndefined();
  });

  test('rejects a transaction with value, with an access list, or of another type', async () => {
    const base = viemOf(unsigned);
    expect(
      readSigned(await account.signTransaction({ ...base, value: 1n }), unsigned, address),
    ).toBeUndefined();
    const accessList = [{ address: addressOf(1), storageKeys: [] }];
    expect(
      readSigned(await account.signTransaction({ ...base, accessList }), unsigned, address),
    ).toBeUndefined();
    const { maxFeePerGas: gasPrice, maxPriorityFeePerGas: _, type: __, ...legacy } = base;
    expect(
      readSigned(
        await account.signTransaction({ ...legacy, gasPrice, type: 'legacy' }),
        unsigned,
        address,
      ),
    ).toBeUndefined();
  });

  test('rejects the signature of another key, and bytes that are no transaction', async () => {
    const other = privateKeyToAccount(generatePrivateKey());
    expect(readSigned(await sign({}, other), unsigned, address)).toBeUndefined();
    const raw = await sign({});
    for (const bad of ['0x', '0x02', '0x02c0', `${raw}00`, raw.slice(0, -2)]) {
      expect(readSigned(bad as `0x${string}`, unsigned, address)).toBeUndefined();
    }
  });
});
