import type { Seconds } from '../../core/clock.ts';
import type { Address, Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { assetId } from '../../protocol/account-id.ts';
import type { PayerFacts } from '../../protocol/account/call.ts';
import type { Token } from '../../protocol/payment.ts';
import {
  bytesSchema,
  isExecutionError,
  quantitySchema,
  readAnswer,
  rpcBatch,
  type RpcFault,
  type RpcOptions,
  toQuantity,
  wordSchema,
} from './json-rpc.ts';
import { authorizationState, balanceOf } from './token-calls.ts';

/** How long a caller waits for all nodes of a chain together: with the rest of the request, less than five seconds (law 13). */
const PATIENCE_MS = 4_000;

/** Divides the waiting time of a caller among the nodes, because a silent node uses up its whole part. */
export const whileWaiting = (urls: readonly string[]): RpcOptions => ({
  timeoutMs: Math.floor(PATIENCE_MS / Math.max(1, urls.length)),
});

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
  const answers = await rpcBatch(
    urls,
    [
      { method: 'eth_blockNumber', params: [] },
      { method: 'eth_getCode', params: [payer, 'latest'] },
      balanceOf(token.address, payer),
      authorizationState(token.address, payer, nonce),
    ],
    whileWaiting(urls),
  );
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

/** Whether an account's contract accepts a signature, at `block` or a newer one; `hasCode`: whether there is a contract. */
export type ContractSignature = {
  readonly valid: boolean;
  readonly hasCode: boolean;
  readonly block: number;
};

/** `isValidSignature(bytes32,bytes)`. A contract accepts a signature by returning the selector itself (ERC-1271). */
const SELECTOR = '1626ba7e';
const MAGIC: Hex = `0x${SELECTOR.padEnd(64, '0')}`;
/** A signature check costs some ten thousand gas. The cap keeps a contract from occupying the node. */
const GAS = 1_000_000;
const MAX_SIGNATURE_BYTES = 4_096;

/**
 * Checks with a contract account whether a signature over a digest is its own (ERC-1271, EIP-7702), by `eth_call` with a gas cap and a
 * timeout. There is no fallback to ECDSA: the owner of a delegated account may have given up its key (`docs/wire-format.md`).
 *
 * @returns `valid: false` for a revert, an empty answer, or any other answer than the magic word. A fault means that the node failed; the
 * gateway answers it with 503.
 */
export const checkContractSignature = async (
  urls: readonly string[],
  account: Address,
  digest: Hex,
  signature: Hex,
): Promise<Result<ContractSignature, RpcFault>> => {
  const bytes = (signature.length - 2) / 2;
  if (bytes > MAX_SIGNATURE_BYTES) return ok({ valid: false, hasCode: true, block: 0 });
  const answers = await rpcBatch(
    urls,
    [
      { method: 'eth_blockNumber', params: [] },
      { method: 'eth_getCode', params: [account, 'latest'] },
      {
        method: 'eth_call',
        params: [
          { to: account, data: calldata(digest, signature, bytes), gas: toQuantity(GAS) },
          'latest',
        ],
      },
    ],
    whileWaiting(urls),
  );
  if (!answers.ok) return answers;
  const block = readAnswer(answers.value[0], quantitySchema);
  const code = readAnswer(answers.value[1], bytesSchema);
  const called = answers.value[2];
  if (block === undefined || code === undefined || called === undefined) {
    return err({ kind: 'invalid' });
  }
  const hasCode = code !== '0x';
  if (!called.ok) {
    return isExecutionError(called.error)
      ? ok({ valid: false, hasCode, block })
      : err({ kind: 'invalid' });
  }
  const returned = readAnswer(called, bytesSchema);
  if (returned === undefined) return err({ kind: 'invalid' });
  // The whole first word must match: a contract with a catch-all fallback returns some value for every call.
  return ok({ valid: returned.slice(0, 66) === MAGIC, hasCode, block });
};

/**
 * Whether a node answered the check of a contract, whatever the result.
 *
 * Attack: a contract fails its check in an unusual way, so that the chain counts as silent for every other caller.
 */
export const hasNodeAnswered = (checked: Result<ContractSignature, RpcFault>): boolean =>
  checked.ok || checked.error.kind === 'invalid';

const calldata = (digest: Hex, signature: Hex, bytes: number): Hex => {
  const offset = (64).toString(16).padStart(64, '0');
  const length = bytes.toString(16).padStart(64, '0');
  const padded = signature.slice(2).padEnd(Math.ceil(bytes / 32) * 64, '0');
  return `0x${SELECTOR}${digest.slice(2)}${offset}${length}${padded}`;
};
