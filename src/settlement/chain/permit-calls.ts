import * as z from 'zod/mini';
import type { Address, Hex } from '../../core/hex.ts';
import { PERMIT2, UPTO_PROXY } from '../../protocol/x402/permit2.ts';
import {
  addressSchema,
  bytesSchema,
  readAnswer,
  type RpcAnswer,
  type RpcCall,
  wordSchema,
} from './json-rpc.ts';
import { readNumber } from './query.ts';
import { addressWord, amountWord, type Block } from './token-calls.ts';

// Topics and selectors of Permit2 and the proxy of `upto`. A test derives them from their signatures.
/** `UnorderedNonceInvalidation(address indexed owner, uint256 word, uint256 mask)` */
export const NONCES_INVALIDATED: Hex =
  '0x3704902f963766a4e561bbaab6e6cdc1b1dd12f6e9e99648da8843b3f46b918d';
export const SETTLED: Hex = '0x97088ec3606cfe8cc112180570d03fcde05f9b8e1bfef8e27784eaf5dd5691b6';
export const SETTLED_WITH_PERMIT: Hex =
  '0xde5b89d10fc800c459329c382fabfcad0be0ed7e5328e01fae04e507b09ef5d8';
const NONCE_BITMAP = '0x4fe02b44';
const NONCES = '0x7ecebe00';
const SETTLE = 'ff11e7b4';
const SETTLE_WITH_PERMIT = '016c1748';

/** Hex digits of a word. */
const WORD = 64;
/** Words of the EIP-2612 permit, the first argument of `settleWithPermit`. */
const APPROVAL_WORDS = 5;

const wordOf = (nonce: Hex): bigint => BigInt(nonce) >> 8n;
const bitOf = (nonce: Hex): bigint => 1n << (BigInt(nonce) & 0xffn);

/** `nonces(owner)` of a token: the nonce of the next EIP-2612 permit of an owner. */
export const approvalNonceOf = (token: Address, owner: Address): RpcCall => ({
  method: 'eth_call',
  params: [{ to: token, data: `${NONCES}${addressWord(owner).slice(2)}` }, 'latest'],
});

/** `nonceBitmap(owner, word)` of Permit2: the bit of a nonce is set once it was used or cancelled. */
export const nonceBitmap = (owner: Address, nonce: Hex, block: Block = 'latest'): RpcCall => ({
  method: 'eth_call',
  params: [
    {
      to: PERMIT2,
      data: `${NONCE_BITMAP}${addressWord(owner).slice(2)}${amountWord(wordOf(nonce)).slice(2)}`,
    },
    block,
  ],
});

/** Whether a bitmap has the bit of a nonce. */
export const isBitSet = (bitmap: bigint, nonce: Hex): boolean => (bitmap & bitOf(nonce)) !== 0n;

/** Reads an answer to `nonceBitmap`: whether the nonce was used or cancelled. */
export const readBit = (answer: RpcAnswer | undefined, nonce: Hex): boolean | undefined => {
  const bitmap = readNumber(answer);
  return bitmap === undefined ? undefined : isBitSet(bitmap, nonce);
};

/** The cancellations of a payer's nonces, from one block to another, both included. */
export const invalidationLogs = (owner: Address, fromBlock: Hex, toBlock: Block): RpcCall => ({
  method: 'eth_getLogs',
  params: [
    {
      address: PERMIT2,
      fromBlock,
      toBlock,
      topics: [[NONCES_INVALIDATED], [addressWord(owner)]],
    },
  ],
});

/** Whether the data of such a log cancels a nonce. */
export const isInvalidated = (data: Hex, nonce: Hex): boolean => {
  if (data.length !== 2 + 2 * WORD) return false;
  const [word, mask] = [data.slice(2, 2 + WORD), data.slice(2 + WORD)];
  return BigInt(`0x${word}`) === wordOf(nonce) && isBitSet(BigInt(`0x${mask}`), nonce);
};

const transactionSchema = z.object({
  hash: wordSchema,
  from: addressSchema,
  to: z.nullable(addressSchema),
  input: bytesSchema,
});

/** The parts of a transaction that show which permit it settles. */
type SentCall = z.output<typeof transactionSchema>;

/** Reads an answer to `eth_getTransactionByHash`. */
export const readCall = (answer: RpcAnswer | undefined): SentCall | undefined =>
  readAnswer(answer, transactionSchema);

/** The permit that a call of the proxy settles, by payer and nonce; undefined for any other call. */
export const settledPermit = ({
  to,
  input,
}: Pick<SentCall, 'to' | 'input'>):
  | { readonly payer: Address; readonly nonce: Hex }
  | undefined => {
  if (to !== UPTO_PROXY) return undefined;
  const selector = input.slice(2, 10);
  if (selector !== SETTLE && selector !== SETTLE_WITH_PERMIT) return undefined;
  const first = selector === SETTLE ? 0 : APPROVAL_WORDS;
  // (token, permitted amount, nonce, deadline), amount, owner, (to, facilitator, validAfter), …
  const word = (at: number): string => input.slice(10 + (first + at) * WORD).slice(0, WORD);
  const [nonce, owner] = [word(2), word(5)];
  return owner.length === WORD ? { payer: `0x${owner.slice(24)}`, nonce: `0x${nonce}` } : undefined;
};
