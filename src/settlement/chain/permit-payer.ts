import type { Seconds } from '../../core/clock.ts';
import type { Address, Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { assetId } from '../../protocol/account-id.ts';
import type { PayerFacts } from '../../protocol/account/call.ts';
import type { Token } from '../../protocol/payment.ts';
import { PERMIT2 } from '../../protocol/x402/permit2.ts';
import { bytesSchema, quantitySchema, readAnswer, rpcBatch, type RpcFault } from './json-rpc.ts';
import { whileWaiting } from './payer.ts';
import { isBitSet, nonceBitmap } from './permit-calls.ts';
import { readNumber } from './query.ts';
import { allowanceOf, balanceOf } from './token-calls.ts';

/** As `readPayerFacts`, for a Permit2 permit: its nonce is in Permit2's bitmap, and Permit2 needs an allowance. */
export const readPermitFacts = async (
  urls: readonly string[],
  payer: Address,
  token: Token,
  nonce: Hex,
  now: Seconds,
): Promise<Result<PayerFacts, RpcFault>> => {
  const answers = await rpcBatch(
    urls,
    [
      { method: 'eth_blockNumber', params: [] },
      { method: 'eth_getCode', params: [payer, 'latest'] },
      balanceOf(token.address, payer),
      nonceBitmap(payer, nonce),
      allowanceOf(token.address, payer, PERMIT2),
    ],
    whileWaiting(urls),
  );
  if (!answers.ok) return answers;
  const block = readAnswer(answers.value[0], quantitySchema);
  const code = readAnswer(answers.value[1], bytesSchema);
  const [balance, bitmap, allowance] = answers.value.slice(2).map(readNumber);
  if (
    block === undefined ||
    code === undefined ||
    balance === undefined ||
    bitmap === undefined ||
    allowance === undefined
  ) {
    return err({ kind: 'invalid' });
  }
  return ok({
    hasCode: code !== '0x',
    balance,
    asset: assetId(token.network, token.address),
    block,
    nonceUsed: isBitSet(bitmap, nonce),
    allowance,
    at: now,
  });
};
