import type { Seconds } from '../../core/clock.ts';
import type { Address, Hex } from '../../core/hex.ts';
import { isObject } from '../../core/json-object.ts';
import type { Provider } from '../session/wallet.ts';
import { chainIdOf, type Network } from '../../protocol/account-id.ts';
import { tokenOf } from '../../protocol/x402/networks.ts';
import type { RpcCall } from '../../settlement/chain/json-rpc.ts';
import {
  authorizationLogs,
  authorizationState,
  balanceOf,
} from '../../settlement/chain/token-calls.ts';

/** Blocks that are searched for a settlement: about an hour of two-second blocks. */
const SEARCHED = 1_800n;

const WORD = /^0x[0-9a-f]{64}$/i;

/**
 * Asks the chain of the wallet. The page decides nothing about money from the answer: the gateway does that with its own chain access.
 *
 * @returns undefined if the wallet is on another chain or does not answer
 */
const ask = async (provider: Provider, on: Network, call: RpcCall): Promise<unknown> => {
  try {
    const active = await provider.request({ method: 'eth_chainId' });
    if (typeof active !== 'string' || Number(active) !== chainIdOf(on)) return undefined;
    return await provider.request(call);
  } catch {
    return undefined;
  }
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

/** The time of the newest block that the wallet knows; undefined if it does not say. */
export const readChainTime = async (
  provider: Provider,
  on: Network,
): Promise<Seconds | undefined> => {
  const block = await ask(provider, on, {
    method: 'eth_getBlockByNumber',
    params: ['latest', false],
  });
  const time = isObject(block) ? block['timestamp'] : undefined;
  return typeof time === 'string' && /^0x[0-9a-f]{1,12}$/i.test(time) ? Number(time) : undefined;
};

/** One payment on its chain: `used` once its signature moved the money, or was cancelled. */
export type OnChain = { readonly isUsed: boolean; readonly transaction?: Hex };

/** Looks a payment up on its chain; undefined if the wallet does not say. @param nonce of the EIP-3009 authorization */
export const readPayment = async (
  provider: Provider,
  on: Network,
  payer: Address,
  nonce: Hex,
): Promise<OnChain | undefined> => {
  const token = tokenOf(on);
  if (token === undefined) return undefined;
  const state = wordOf(await ask(provider, on, authorizationState(token.address, payer, nonce)));
  if (state === undefined || state === 0n)
    return state === undefined ? undefined : { isUsed: false };
  const newest = await ask(provider, on, { method: 'eth_blockNumber', params: [] });
  if (typeof newest !== 'string') return { isUsed: true };
  const height = BigInt(newest);
  const first: Hex = `0x${(height > SEARCHED ? height - SEARCHED : 0n).toString(16)}`;
  const logs = await ask(
    provider,
    on,
    authorizationLogs(token.address, payer, nonce, first, 'latest'),
  );
  const [log] = Array.isArray(logs)
    ? (logs as readonly { readonly transactionHash?: unknown }[])
    : [];
  const hash = log?.transactionHash;
  return typeof hash === 'string' && WORD.test(hash)
    ? { isUsed: true, transaction: hash.toLowerCase() as Hex }
    : { isUsed: true };
};
