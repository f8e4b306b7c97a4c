import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import {
  readBalance,
  readBlock,
  readPayment,
} from '../../../../src/dashboard/payment/token-reads.ts';
import {
  AUTHORIZATION_CANCELED,
  AUTHORIZATION_USED,
} from '../../../../src/settlement/chain/token-calls.ts';

const ON = 'eip155:84532';
const PAYER = `0x${'1'.repeat(40)}` as const;
const NONCE: Hex = `0x${'2'.repeat(64)}`;
const HASH: Hex = `0x${'a'.repeat(64)}`;
const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`;

/** A wallet with these answers. A missing answer is an error, as from a wallet without access to the chain. */
const walletOf = (answers: Readonly<Record<string, unknown>>) => {
  const asked: { readonly method: string; readonly params?: readonly unknown[] }[] = [];
  return {
    asked,
    request: async (call: { readonly method: string; readonly params?: readonly unknown[] }) => {
      asked.push(call);
      if (!(call.method in answers)) throw new Error('unsupported');
      return await Promise.resolve(answers[call.method]);
    },
  };
};

describe('what a wallet says about the chain', () => {
  it('is the balance of USDC in atomic units', async () => {
    const wallet = walletOf({ eth_chainId: '0x14a34', eth_call: word(1_250_000n) });
    expect(await readBalance(wallet, ON, PAYER)).toBe(1_250_000n);
  });

  it.each([
    ['is on another chain', { eth_chainId: '0x1', eth_call: word(0n) }],
    ['does not answer', { eth_chainId: '0x14a34' }],
    ['answers nonsense', { eth_chainId: '0x14a34', eth_call: '0x' }],
  ])('is nothing where the wallet %s', async (_, answers) => {
    expect(await readBalance(walletOf(answers), ON, PAYER)).toBeUndefined();
    expect(await readPayment(walletOf(answers), ON, PAYER, NONCE)).toBeUndefined();
  });

  it('is a payment that has not moved yet, and then its transaction', async () => {
    const waiting = walletOf({ eth_chainId: '0x14a34', eth_call: word(0n) });
    expect(await readPayment(waiting, ON, PAYER, NONCE)).toEqual({ is: 'unused' });
    const moved = walletOf({
      eth_chainId: '0x14a34',
      eth_call: word(1n),
      eth_blockNumber: '0x1000',
      eth_getLogs: [
        { transactionHash: HASH.toUpperCase().replace('0X', '0x'), topics: [AUTHORIZATION_USED] },
      ],
    });
    expect(await readPayment(moved, ON, PAYER, NONCE)).toEqual({ is: 'moved', transaction: HASH });
    // Nodes refuse to search the whole chain, so the search starts at a block.
    expect(moved.asked.at(-1)?.params).toMatchObject([{ fromBlock: '0x8f8', toBlock: 'latest' }]);
  });

  it('is a payment without its transaction where the wallet finds no logs', async () => {
    const answers = { eth_chainId: '0x14a34', eth_call: word(1n), eth_blockNumber: '0x10' };
    expect(await readPayment(walletOf(answers), ON, PAYER, NONCE)).toEqual({ is: 'used' });
    const odd = walletOf({ ...answers, eth_getLogs: [{ transactionHash: 'javascript:x' }] });
    expect(await readPayment(odd, ON, PAYER, NONCE)).toEqual({ is: 'used' });
  });

  it('is not a movement where the payer cancelled the payment', async () => {
    const cancelled = walletOf({
      ...{ eth_chainId: '0x14a34', eth_call: word(1n), eth_blockNumber: '0x10' },
      eth_getLogs: [{ transactionHash: HASH, topics: [AUTHORIZATION_CANCELED] }],
    });
    const found = await readPayment(cancelled, ON, PAYER, NONCE);
    expect(found).toEqual({ is: 'cancelled', transaction: HASH });
  });

  it.each([
    ['no number', { eth_blockNumber: 'newest' }],
    ['a block that is none', { eth_getBlockByNumber: { number: 'newest', timestamp: '0x1' } }],
    ['no block', { eth_getBlockByNumber: null }],
  ])('is never thrown: %s', async (_, answers) => {
    const odd = walletOf({ eth_chainId: '0x14a34', eth_call: word(1n), ...answers });
    expect(await readPayment(odd, ON, PAYER, NONCE)).toEqual({ is: 'used' });
    expect(await readBlock(odd, ON)).toBeUndefined();
  });
});

describe('a wallet whose node hangs', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('stops nothing for good', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const request = async () => new Promise(() => undefined);
    const read = readBlock({ request }, ON);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await read).toBeUndefined();
  });
});
