import * as z from 'zod/mini';
import type { Hex } from '../../core/hex.ts';
import { quantitySchema, readAnswer, type RpcAnswer } from '../chain/json-rpc.ts';
import { receiptSchema } from '../chain/query.ts';
import {
  expectedTransfer,
  findPermitTransfer,
  findTransfer,
  type Receipt,
  type TransferFinding,
} from '../chain/expected-transfer.ts';
import type { Token } from '../../protocol/payment.ts';
import type { Pending } from './pending.ts';

/** A JSON-RPC quantity of any size. */
export const amountSchema = z.pipe(
  z.string().check(z.regex(/^0x(0|[1-9a-f][0-9a-f]{0,63})$/)),
  z.transform((text: string) => BigInt(text)),
);

const minedSchema = z.extend(receiptSchema, {
  gasUsed: quantitySchema,
  effectiveGasPrice: amountSchema,
  // The fee of an OP-stack rollup for publishing the transaction on its parent chain.
  l1Fee: z.nullish(amountSchema),
});

/** The receipt of one of the relayer's transactions, and its cost. */
export type Mined = {
  readonly receipt: Receipt;
  readonly gasUsed: number;
  /** Wei. */
  readonly fee: bigint;
};

/** Reads the receipt of a transaction; undefined while there is none, or if the answer is not one. */
export const readMined = (answer: RpcAnswer | undefined, transaction: Hex): Mined | undefined => {
  const read = readAnswer(answer, minedSchema);
  if (read?.transactionHash !== transaction) return undefined;
  return {
    receipt: {
      succeeded: read.status === '0x1',
      block: read.blockNumber,
      transaction,
      logs: read.logs,
    },
    gasUsed: read.gasUsed,
    fee: BigInt(read.gasUsed) * read.effectiveGasPrice + (read.l1Fee ?? 0n),
  };
};

/** The effect of a final transaction on its payments. */
export type Fate = {
  readonly settled: readonly Pending[];
  /** The transaction used the nonce for another transfer: the account concludes what that means. */
  readonly spent: readonly Pending[];
  readonly unmoved: readonly Pending[];
};

/** Reads the outcome of payments only from the logs, because a successful transaction may contain failed calls (law 5). */
export const fateOf = (token: Token, payments: readonly Pending[], { receipt }: Mined): Fate => {
  const findings = payments.map((payment) => {
    const transfer = expectedTransfer({ ...payment, token }, payment.sinceBlock);
    // The transaction of a permit settles nothing else.
    const find = payment.permit === undefined ? findTransfer : findPermitTransfer;
    return { payment, finding: find(transfer, receipt) };
  });
  const of = (kind: TransferFinding): readonly Pending[] =>
    findings.filter(({ finding }) => finding === kind).map(({ payment }) => payment);
  return { settled: of('settled'), spent: of('spent_otherwise'), unmoved: of('absent') };
};
