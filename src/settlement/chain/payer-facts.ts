import type { PayerFacts } from '../../protocol/account/call.ts';
import { assetId } from '../../protocol/account-id.ts';
import type { Address, Hex } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import {
  bytesSchema,
  quantitySchema,
  readAnswer,
  rpcBatch,
  type RpcFault,
  wordSchema,
} from './json-rpc.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Token } from '../../protocol/payment.ts';
import { authorizationState, balanceOf } from './token-calls.ts';

/**
 * Reads the facts about a payer that its account decides on, in one JSON-RPC batch: code, token balance, nonce state and block number.
 *
 * Race: a settlement may be mined between two answers of the batch. The block number comes first, so that the balance is of this block or
 * a newer one: such a settlement is then subtracted once too often until the next batch, and never once too seldom.
 */
export const readPayerFacts = async (
  urls: readonly string[],
  payer: Address,
  token: Token,
  nonce: Hex,
  now: Seconds,
): Promise<Result<PayerFacts, RpcFault>> => {
  const answers = await rpcBatch(urls, [
    { method: 'eth_blockNumber', params: [] },
    { method: 'eth_getCode', params: [payer, 'latest'] },
    balanceOf(token.address, payer),
    authorizationState(token.address, payer, nonce),
  ]);
  if (!answers.ok) return answers;
  const block = readAnswer(answers.value[0], quantitySchema);
  const code = readAnswer(answers.value[1], bytesSchema);
  const balance = readAnswer(answers.value[2], wordSchema);
  const state = readAnswer(answers.value[3], wordSchema);
  if (
    block === undefined ||
    code === undefined ||
    balance === undefined ||
    state === undefined ||
    BigInt(state) > 1n
  ) {
    return err({ kind: 'invalid' });
  }
  return ok({
    // An EIP-7702 delegation is code too: then the account's contract checks the signature, not its key.
    hasCode: code !== '0x',
    balance: BigInt(balance),
    asset: assetId(token.network, token.address),
    block,
    nonceUsed: BigInt(state) === 1n,
    at: now,
  });
};
