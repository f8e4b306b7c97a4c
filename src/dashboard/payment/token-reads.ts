import type { Seconds } from '../../core/clock.ts';
import type { Address, Hex } from '../../core/hex.ts';
import { inTime } from '../../core/in-time.ts';
import { isObject } from '../../core/json-object.ts';
import type { Provider } from '../session/wallet.ts';
import { chainIdOf, type Network } from '../../protocol/account-id.ts';
import { tokenOf } from '../../protocol/x402/networks.ts';
import type { RpcCall } from '../../settlement/chain/json-rpc.ts';
import {
  AUTHORIZATION_CANCELED,
  AUTHORIZATION_USED,
  authorizationLogs,
  authorizationState,
  balanceOf,
} from '../../settlement/chain/token-calls.ts';

/** Blocks that are searched for a settlement: about an hour of two-second blocks. */
const SEARCHED = 1_800n;

const WORD = /^0x[0-9a-f]{64}$/i;

/** A wallet whose node hangs must not block the page forever. */
const TIMEOUT_MS = 20_000;

/** Sends a request that no person confirms; undefined if the wallet does not answer. */
const read = async (provider: Provider, call: RpcCall): Promise<unknown> => {
  try {
    return await inTime(provider.request(call), TIMEOUT_MS);
  } catch {
    return undefined;
  }
};

/**
 * Asks the chain of the wallet. The page decides nothing about credit from the answer: the gateway decides, with its own chain access.
 *
 * @returns undefined if the wallet is on another chain or does not answer
 */
const ask = async (provider: Provider, on: Network, call: RpcCall): Promise<unknown> => {
  const active = await read(provider, { method: 'eth_chainId', params: [] });
  if (typeof active !== 'string' || Number(active) !== chainIdOf(on)) return undefined;
  return await read(provider, call);
};

const wordOf = (answer: unknown): bigint | undefined =>
  typeof answer === 'string' && WORD.test(answer) ? BigInt(answer) : undefined;

/** The USDC of an account in atomic units; undefined if the wallet does not say. */
export const readBalance = async (
  provider: Provider,
  on: Network,
  owner: Address,
): Promise<bigint | undefined> => {
  const token = tokenOf(on);
  return token && wordOf(await ask(provider, on, balanceOf(token.address, owner)));
};

/** A block that the wallet knows. */
export type Block = { readonly number: Hex; readonly time: Seconds };

const QUANTITY = /^0x[0-9a-f]{1,12}$/i;

/** The newest block that the wallet knows; undefined if it does not say. */
export const readBlock = async (provider: Provider, on: Network): Promise<Block | undefined> => {
  const params = ['latest', false];
  const block = await ask(provider, on, { method: 'eth_getBlockByNumber', params });
  const { number, timestamp } = isObject(block) ? block : {};
  return typeof number === 'string' &&
    typeof timestamp === 'string' &&
    QUANTITY.test(number) &&
    QUANTITY.test(timestamp)
    ? { number: number as Hex, time: Number(timestamp) }
    : undefined;
};

/** One payment on its chain. `used`: moved or cancelled, in a transaction that the wallet does not find. */
export type OnChain =
  | { readonly is: 'unused' | 'used' }
  | { readonly is: 'moved' | 'cancelled'; readonly transaction: Hex };

/**
 * Looks a payment up on its chain; undefined if the wallet does not say.
 *
 * @param nonce of the EIP-3009 authorization
 * @param block whose state counts
 */
export const readPayment = async (
  provider: Provider,
  on: Network,
  payer: Address,
  nonce: Hex,
  block: Hex | 'latest' = 'latest',
): Promise<OnChain | undefined> => {
  const token = tokenOf(on);
  if (token === undefined) return undefined;
  const { address } = token;
  const state = wordOf(await ask(provider, on, authorizationState(address, payer, nonce, block)));
  if (state === undefined) return undefined;
  if (state === 0n) return { is: 'unused' };
  const newest = await ask(provider, on, { method: 'eth_blockNumber', params: [] });
  if (typeof newest !== 'string' || !QUANTITY.test(newest)) return { is: 'used' };
  const height = BigInt(newest);
  const first: Hex = `0x${(height > SEARCHED ? height - SEARCHED : 0n).toString(16)}`;
  const logs = await ask(provider, on, authorizationLogs(address, payer, nonce, first, 'latest'));
  return endIn(Array.isArray(logs) ? (logs as readonly unknown[])[0] : undefined);
};

const ENDS: Readonly<Record<string, 'moved' | 'cancelled'>> = {
  [AUTHORIZATION_USED]: 'moved',
  [AUTHORIZATION_CANCELED]: 'cancelled',
};

const endIn = (log: unknown): OnChain => {
  const { transactionHash: hash, topics } = isObject(log) ? log : {};
  const topic = Array.isArray(topics) ? String(topics[0]).toLowerCase() : '';
  const is = Object.hasOwn(ENDS, topic) ? ENDS[topic] : undefined;
  return is !== undefined && typeof hash === 'string' && WORD.test(hash)
    ? { is, transaction: hash.toLowerCase() as Hex }
    : { is: 'used' };
};
