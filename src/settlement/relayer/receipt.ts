import * as z from 'zod/mini';
import type { Hex } from '../../core/hex.ts';
import { quantitySchema, readAnswer, type RpcAnswer } from '../chain/json-rpc.ts';
import { receiptSchema } from '../chain/query.ts';
import { findTransfer, type ExpectedTransfer, type Receipt } from '../chain/expected-transfer.ts';
import { expectedTransfer } from '../chain/expected-transfer.ts';
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
  // What a rollup takes for its place on the chain below (OP stack), beside the gas.
  l1Fee: z.nullish(amountSchema),
});

/** A receipt of a transaction of ours, and what it cost. */
export type Mined = {
  readonly receipt: Receipt;
  readonly gasUsed: number;
  /** Wei. */
  readonly fee: bigint;
};

/** The receipt of the transaction that was asked for; undefined while there is none, or the answer is none. */
export const readMined = (answer: RpcAnswer | undefined, transaction: Hex): Mined | undefined => {
  const read = readAnswer(answer, minedSchema);
  if (read?.transactionHash !== transaction) return undefined;
  return {
    receipt: {
      succeeded: read.status === '0x1',
      block: read.blockNumber,
      transaction,
      logs: read.logs.map((log) => ({ ...log, index: log.logIndex })),
    },
    gasUsed: read.gasUsed,
    fee: BigInt(read.gasUsed) * read.effectiveGasPrice + (read.l1Fee ?? 0n),
  };
};

/** What a final transaction did with the payments in it. */
export type Fate = {
  readonly settled: readonly Pending[];
  /** The nonce was used in it, but for another transfer: what that means is for the account's own look to say. */
  readonly spent: readonly Pending[];
  readonly unmoved: readonly Pending[];
};

/** By the logs alone: that a transaction succeeded says nothing about the calls in it (law 5). */
export const fateOf = (token: Token, payments: readonly Pending[], { receipt }: Mined): Fate => {
  const judged = payments.map((payment) => ({
    payment,
    judgement: findTransfer(lookOf(token, payment), receipt),
  }));
  const of = (...kinds: readonly string[]) =>
    judged.filter(({ judgement }) => kinds.includes(judgement)).map(({ payment }) => payment);
  return { settled: of('settled'), spent: of('spent_otherwise'), unmoved: of('absent') };
};

const lookOf = (token: Token, { authorization, sinceBlock }: Pending): ExpectedTransfer =>
  expectedTransfer({ token, authorization }, sinceBlock);
