import type { Address, Hex } from '../../core/hex.ts';
import { type RpcCall, toQuantity } from './json-rpc.ts';

/** Topics and selectors of an EIP-3009 token. A test derives them from their signatures. */
export const AUTHORIZATION_USED: Hex =
  '0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5';
export const AUTHORIZATION_CANCELED: Hex =
  '0x1cdd46ff242716cdaa72d159d339a485b3438398348d68f09d7c8c0a59353d81';
export const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
const AUTHORIZATION_STATE = '0xe94a0102';
const BALANCE_OF = '0x70a08231';
const TRANSFER_SELECTOR = '0xa9059cbb';
const ALLOWANCE = '0xdd62ed3e';

/** An address as a 32-byte word, as topics and arguments carry it. */
export const addressWord = (address: Address): Hex => `0x${address.slice(2).padStart(64, '0')}`;

/** An amount as a 32-byte word. */
export const amountWord = (amount: bigint): Hex => `0x${amount.toString(16).padStart(64, '0')}`;

/** `transfer(to, 0)`: moves nothing. It reverts if the token is paused or blocks `to`. */
export const emptyTransfer = (token: Address, to: Address): RpcCall => ({
  method: 'eth_call',
  params: [
    {
      from: to,
      to: token,
      data: `${TRANSFER_SELECTOR}${addressWord(to).slice(2)}${amountWord(0n).slice(2)}`,
    },
    'latest',
  ],
});

/** A block of a call: by number, or the newest. */
export type Block = Hex | 'latest';

/** `authorizationState(payer, nonce)`: 1 once the nonce was used or cancelled. */
export const authorizationState = (
  token: Address,
  payer: Address,
  nonce: Hex,
  block: Block = 'latest',
): RpcCall => ({
  method: 'eth_call',
  params: [
    { to: token, data: `${AUTHORIZATION_STATE}${addressWord(payer).slice(2)}${nonce.slice(2)}` },
    block,
  ],
});

/** `balanceOf(owner)` in atomic units. */
export const balanceOf = (token: Address, owner: Address, block: Block = 'latest'): RpcCall => ({
  method: 'eth_call',
  params: [{ to: token, data: `${BALANCE_OF}${addressWord(owner).slice(2)}` }, block],
});

/** The logs that used or cancelled one nonce of one payer, from one block to another, both included. */
export const authorizationLogs = (
  token: Address,
  payer: Address,
  nonce: Hex,
  fromBlock: Hex,
  toBlock: Block,
): RpcCall => ({
  method: 'eth_getLogs',
  params: [
    {
      address: token,
      fromBlock,
      toBlock,
      topics: [[AUTHORIZATION_USED, AUTHORIZATION_CANCELED], [addressWord(payer)], [nonce]],
    },
  ],
});

/** `allowance(owner, spender)` in atomic units. */
export const allowanceOf = (
  token: Address,
  owner: Address,
  spender: Address,
  block: Block = 'latest',
): RpcCall => ({
  method: 'eth_call',
  params: [
    {
      to: token,
      data: `${ALLOWANCE}${addressWord(owner).slice(2)}${addressWord(spender).slice(2)}`,
    },
    block,
  ],
});

/** The transfers from a payer to a payee, from one block to another, both included. */
export const transferLogs = (
  token: Address,
  payer: Address,
  payTo: Address,
  fromBlock: Hex,
  toBlock: Block,
): RpcCall => ({
  method: 'eth_getLogs',
  params: [
    {
      address: token,
      fromBlock,
      toBlock,
      topics: [[TRANSFER], [addressWord(payer)], [addressWord(payTo)]],
    },
  ],
});

/** All logs of a token in one block. */
export const tokenLogs = (token: Address, block: number): RpcCall => ({
  method: 'eth_getLogs',
  params: [{ address: token, fromBlock: toQuantity(block), toBlock: toQuantity(block) }],
});
