import fc from 'fast-check';
import * as Envelope from 'ox/TxEnvelopeEip1559';
import {
  bytesToHex,
  hexToBytes,
  keccak256,
  parseTransaction,
  recoverTransactionAddress,
  toHex,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { describe, expect, test } from 'vitest';
import {
  deserialize,
  hashOf,
  serialize,
  signPayload,
  type Unsigned,
} from '../../../../src/settlement/relayer/envelope.ts';
import {
  addressOfPrivateKey,
  readSigned,
  readUnsigned,
  signRequest,
  senderOf,
  signTransaction,
} from '../../../../src/settlement/relayer/transaction.ts';
import { addressOf } from './people.ts';

const key = generatePrivateKey();
const account = privateKeyToAccount(key);
const address = addressOfPrivateKey(key);
const unsigned: Unsigned = {
  chainId: 84532,
  nonce: 7,
  to: addressOf(0xcc),
  data: '0x12345678',
  gas: 230_000n,
  maxFeePerGas: 21_000_000_000n,
  maxPriorityFeePerGas: 1_000_000_000n,
};
const viemOf = ({ data, ...rest }: Unsigned) => ({ ...rest, data, type: 'eip1559' as const });

describe('a transaction', () => {
  test('is signed byte for byte as viem signs it', async () => {
    for (const one of [unsigned, { ...unsigned, nonce: 0 }, { ...unsigned, data: '0x' as const }]) {
      const signed = signTransaction(one, key);
      expect(signed.raw).toBe(await account.signTransaction(viemOf(one)));
      expect(signed.hash).toBe(keccak256(signed.raw));
      expect(
        await recoverTransactionAddress({ serializedTransaction: signed.raw as `0x02${string}` }),
      ).toBe(account.address);
      expect(readUnsigned(signed.raw)).toEqual(one);
      expect(senderOf(signed.raw)).toBe(address);
    }
    expect(address).toBe(account.address.toLowerCase());
  });

  test('is read and written as ox does, of every length and with every number', () => {
    const word = fc.bigInt({ min: 1n, max: 2n ** 256n - 1n });
    const digits = fc.oneof(
      fc.constantFrom('', '00', '7f', '80', 'ff'),
      ...[55, 56, 255, 256, 65_535, 65_536].map((size) => fc.constant('7f'.repeat(size))),
      fc.uint8Array({ maxLength: 600 }).map((bytes) => bytesToHex(bytes).slice(2)),
    );
    const whole = fc.oneof(fc.constantFrom(0, 1, 127, 128, 255, 256), fc.maxSafeNat());
    fc.assert(
      fc.property(
        fc.record({
          chainId: whole.filter((id) => id > 0),
          nonce: whole,
          data: digits,
          gas: fc.bigInt({ min: 0n, max: 2n ** 64n }),
          maxPriorityFeePerGas: fc.bigInt({ min: 0n, max: 2n ** 128n }),
          more: fc.bigInt({ min: 0n, max: 2n ** 127n }),
        }),
        fc.record({ r: word, s: word, yParity: fc.constantFrom(0, 1) }),
        ({ data, more, ...rest }, signature) => {
          const one: Unsigned = {
            ...rest,
            to: unsigned.to,
            data: `0x${data}`,
            maxFeePerGas: rest.maxPriorityFeePerGas + more,
          };
          const hexed = {
            r: toHex(signature.r, { size: 32 }),
            s: toHex(signature.s, { size: 32 }),
            yParity: signature.yParity,
          };
          const envelope = Envelope.from({ ...one, nonce: BigInt(one.nonce), value: 0n });
          const signed = Envelope.from(envelope, { signature: hexed });
          expect(signPayload(one)).toBe(
            Envelope.hash(envelope as typeof signed, { presign: true }),
          );
          const raw = Envelope.serialize(signed);
          expect(serialize(one, signature)).toBe(raw);
          expect(hashOf(raw)).toBe(Envelope.hash(signed));
          expect(deserialize(raw)).toEqual({ unsigned: one, signature });
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is read in its one encoding only, and bytes of anybody are read to an end', () => {
    const raw = signTransaction(unsigned, key).raw;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: raw.length / 2 - 2 }),
        fc.integer({ min: 1, max: 255 }),
        (at, by) => {
          const bytes = hexToBytes(raw);
          bytes[at] = (bytes[at] ?? 0) ^ by;
          const bent = bytesToHex(bytes);
          const read = deserialize(bent);
          if (read !== undefined) expect(serialize(read.unsigned, read.signature)).toBe(bent);
          expect(readSigned(bent, unsigned, address)).toBeUndefined();
        },
      ),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const any = `0x02${bytesToHex(bytes).slice(2)}` as const;
        expect(deserialize(any)).toBeUndefined();
        expect(() => senderOf(any)).toThrow('not a transaction of the relayer');
      }),
    );
    // The length of the list said in one byte more than it needs.
    const long = `0x02f900${raw.slice(6)}` as const;
    expect(raw.slice(0, 6)).toBe('0x02f8');
    expect(readSigned(long, unsigned, address)).toBeUndefined();
    expect(deserialize(long)).toBeUndefined();
  });

  test('is asked of a remote signer with every field', () => {
    expect(signRequest(unsigned, address)).toMatchObject({
      from: address,
      to: unsigned.to,
      chainId: '0x14a34',
      nonce: '0x7',
      value: '0x0',
      gas: '0x38270',
      data: unsigned.data,
      maxFeePerGas: '0x4e3b29200',
      maxPriorityFeePerGas: '0x3b9aca00',
      type: '0x2',
    });
    const { nonce, ...rest } = unsigned;
    const envelope = Envelope.from({ ...rest, nonce: BigInt(nonce), value: 0n });
    expect(signRequest(unsigned, address)).toEqual({ ...Envelope.toRpc(envelope), from: address });
  });
});

describe('what a signer gives back', () => {
  const sign = async (changes: Partial<Unsigned>, by = account) =>
    by.signTransaction(viemOf({ ...unsigned, ...changes }));

  test('is taken when it is what was asked for', async () => {
    const raw = await sign({});
    expect(readSigned(raw, unsigned, address)).toEqual({ raw, hash: keccak256(raw) });
  });

  test.for([
    ['chain', { chainId: 1 }],
    ['nonce', { nonce: 8 }],
    ['recipient', { to: addressOf(0xdd) }],
    ['data', { data: '0x12345679' as const }],
    ['gas', { gas: 230_001n }],
    ['fee', { maxFeePerGas: 21_000_000_001n }],
    ['tip', { maxPriorityFeePerGas: 1_000_000_001n }],
  ] as const)('is refused with another %s', async ([, changes]) => {
    expect(readSigned(await sign(changes), unsigned, address)).toBeUndefined();
  });

  test('is refused with value, with an access list, or of another type', async () => {
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

  test('is refused when another key signed it, or nobody did', async () => {
    const other = privateKeyToAccount(generatePrivateKey());
    expect(readSigned(await sign({}, other), unsigned, address)).toBeUndefined();
    const raw = await sign({});
    const parsed = parseTransaction(raw);
    expect(parsed.r).toBeDefined();
    for (const bad of ['0x', '0x02', '0x02c0', `${raw}00`, raw.slice(0, -2)]) {
      expect(readSigned(bad as `0x${string}`, unsigned, address)).toBeUndefined();
    }
  });
});
