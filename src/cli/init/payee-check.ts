import * as z from 'zod/mini';
import type { Address } from '../../core/hex.ts';
import type { Network } from '../../protocol/account-id.ts';
import { formatDollars } from '../../protocol/amount.ts';
import { nameOfNetwork, tokenOf } from '../../protocol/x402/networks.ts';
import {
  bytesSchema,
  quantitySchema,
  readAnswer,
  type RpcAnswer,
  rpcBatch,
  toQuantity,
  wordSchema,
} from '../../settlement/chain/json-rpc.ts';
import { addressWord, balanceOf, TRANSFER } from '../../settlement/chain/token-calls.ts';
import { type Check, hostOf, passed, skipped, warning } from '../lib/checks.ts';
import { counted } from '../lib/text.ts';

/** Why a receiving address must have no other use. */
export const WHY =
  'the gateway compares every transfer to the receiving address with its ledger, and a payment is valid at every gateway that shares it.';

/** The name of the check, which `confirmPayee` shows again. */
export const NAME = 'receiving address';

/** How far back the check looks: public endpoints answer that many blocks. */
const BLOCKS = 2000;

/** Looks for signs that something else uses a receiving address: transactions, code, USDC and its transfers. */
export const payeeCheck = async (on: Network, rpc: string, payTo: Address): Promise<Check> => {
  const token = tokenOf(on)?.address ?? payTo;
  const word = addressWord(payTo);
  const answers = await rpcBatch(
    [rpc],
    [
      { method: 'eth_getTransactionCount', params: [payTo, 'latest'] },
      { method: 'eth_getCode', params: [payTo, 'latest'] },
      balanceOf(token, payTo),
      { method: 'eth_blockNumber', params: [] },
    ],
  );
  const hint = 'Make sure that nothing else uses it.';
  if (!answers.ok) return skipped(NAME, `${hostOf(rpc)} does not show its history`, hint);
  const [count, code, balance, block] = answers.value;
  const sent = readAnswer(count, quantitySchema) ?? 0;
  const held = BigInt(readAnswer(balance, wordSchema) ?? 0);
  const transfers = await transfersOf(rpc, token, word, readAnswer(block, quantitySchema));
  const signs = [
    ...(sent === 0 ? [] : [`has sent ${counted(sent, 'transaction')}`]),
    ...((readAnswer(code, bytesSchema) ?? '0x') === '0x' ? [] : ['has code']),
    ...(held === 0n ? [] : [`holds ${formatDollars(held)} of USDC`]),
    ...(transfers === 0
      ? []
      : [`is in ${counted(transfers, 'USDC transfer')} of the last ${BLOCKS} blocks`]),
  ];
  return signs.length === 0
    ? passed(NAME, `has no history on ${nameOfNetwork(on) ?? on}`)
    : warning(
        NAME,
        signs.join(', '),
        `Use a new address unless nothing else uses this one: ${WHY}`,
      );
};

/** 0 if the endpoint does not answer for that many blocks. */
const transfersOf = async (
  rpc: string,
  token: Address,
  word: string,
  latest: number | undefined,
): Promise<number> => {
  if (latest === undefined) return 0;
  const fromBlock = toQuantity(Math.max(0, latest - BLOCKS));
  const logs = (topics: readonly unknown[]) => ({
    method: 'eth_getLogs',
    params: [{ address: token, fromBlock, toBlock: 'latest', topics }],
  });
  const found = await rpcBatch([rpc], [logs([TRANSFER, word]), logs([TRANSFER, null, word])]);
  return found.ok ? found.value.reduce((sum, answer) => sum + lengthOf(answer), 0) : 0;
};

const lengthOf = (answer: RpcAnswer): number =>
  readAnswer(answer, z.array(z.unknown()))?.length ?? 0;
