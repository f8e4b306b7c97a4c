import * as z from 'zod/mini';
import type { Address, Hex } from '../../src/core/hex.ts';
import { bytesSchema, readAnswer, rpcBatch } from '../../src/settlement/chain/json-rpc.ts';
import { err, ok, type Result } from '../../src/core/result.ts';
import {
  readSigned,
  type SignedTransaction,
  signRequest,
  signTransaction,
  type UnsignedTransaction,
} from '../../src/settlement/relayer/transaction.ts';

/** Signs a transaction with the relayer's key. */
export type Sign = (unsigned: UnsignedTransaction) => Promise<Result<SignedTransaction, SignFault>>;

export type SignFault = 'signer_unreachable' | 'signer_refused' | 'signer_lied';

const TIMEOUT_MS = 10_000;

export const keySigner =
  (key: Hex): Sign =>
  async (unsigned) =>
    ok(signTransaction(unsigned, key));

/** Some signers return the bytes alone, geth returns `{raw, tx}`. */
const answerSchema = z.union([
  bytesSchema,
  z.pipe(
    z.object({ raw: bytesSchema }),
    z.transform(({ raw }) => raw),
  ),
]);

/** Signs with a remote key (`eth_signTransaction`). The answer is accepted only if it is exactly the requested transaction. */
export const remoteSigner =
  (url: string, address: Address): Sign =>
  async (unsigned) => {
    const call = { method: 'eth_signTransaction', params: [signRequest(unsigned, address)] };
    const answers = await rpcBatch([url], [call], { timeoutMs: TIMEOUT_MS });
    if (!answers.ok) return err('signer_unreachable');
    const [answer] = answers.value;
    if (answer?.ok !== true) return err('signer_refused');
    const raw = readAnswer(answer, answerSchema);
    const signed = raw === undefined ? undefined : readSigned(raw, unsigned, address);
    return signed === undefined ? err('signer_lied') : ok(signed);
  };
