import { keccak256, parseTransaction, recoverTransactionAddress } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { describe, expect, test } from 'vitest';
import {
  addressOfPrivateKey,
  readSigned,
  readUnsigned,
  signRequest,
  signTransaction,
  type Unsigned,
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
    }
    expect(address).toBe(account.address.toLowerCase());
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
