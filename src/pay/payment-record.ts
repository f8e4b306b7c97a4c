import * as z from 'zod/mini';
import type { Address, Hex } from '../core/hex.ts';
import { createOutbox, type Outbox } from '../client/outbox.ts';
import { memoryShelf, type Shelf, shelfOr } from '../client/shelf.ts';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import { decodeBase64, encodeBase64 } from '../crypto/bytes.ts';
import { storageShelf } from '../dashboard/session/storage-shelf.ts';
import type { Network } from '../protocol/account-id.ts';
import { parseAmount } from '../protocol/amount.ts';

/** The outcome of a paid call. Amounts in atomic units. */
export type PaymentOutcome = {
  readonly status: number;
  readonly paid: 'none' | 'payment' | 'credit' | 'card';
  readonly charged: bigint;
  readonly credited: bigint;
  readonly transaction?: Hex;
  /** The receipt as the gateway sent it, and why it is invalid, if it is. */
  readonly receipt?: { readonly token: string; readonly why?: string };
  readonly contentType: string;
  /** Undefined if the answer is too large to keep. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
};

/** A payment of this tab, written before its signature leaves the page. */
export type PaymentRecord = {
  readonly at: Seconds;
  /** Id of the wallet, to ask it again. */
  readonly wallet: string;
  readonly payer: Address;
  readonly network: Network;
  readonly call: Hex;
  /** The most that the signature can cost. */
  readonly amount: bigint;
  /** What was signed: only a payment moves money on the chain. */
  readonly pays: PaymentOutcome['paid'];
  /** Absent until the answer has arrived. */
  readonly outcome?: PaymentOutcome;
};

const MAX_KEPT = 256 * 1024;

const amount = z.pipe(
  z.string().check(z.refine((text) => parseAmount(text) !== undefined)),
  z.transform((text: string) => BigInt(text)),
);
const text = z.string().check(z.maxLength(2 * MAX_KEPT));
const hash = z.string().check(z.regex(/^0x[0-9a-f]{64}$/));

const source = z.literal(['none', 'payment', 'credit', 'card']);

const schema = z.strictObject({
  at: z.int(),
  wallet: z.string(),
  payer: z.string().check(z.regex(/^0x[0-9a-f]{40}$/)),
  network: z.string().check(z.regex(/^eip155:[1-9][0-9]{0,15}$/)),
  call: hash,
  amount,
  pays: source,
  outcome: z.optional(
    z.strictObject({
      status: z.int(),
      paid: source,
      charged: amount,
      credited: amount,
      transaction: z.optional(hash),
      receipt: z.optional(z.strictObject({ token: text, why: z.optional(text) })),
      contentType: z.string(),
      body: z.optional(text),
    }),
  ),
});

/** The entry script looks for this key too. */
export const recordKey = (tool: string): string => `countersign-payment:${tool}`;

const writeRecord = (record: PaymentRecord): unknown => {
  const body = record.outcome?.body;
  const kept = body === undefined || body.byteLength > MAX_KEPT ? undefined : encodeBase64(body);
  const outcome = record.outcome === undefined ? undefined : { ...record.outcome, body: kept };
  const text = JSON.stringify({ ...record, outcome }, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return JSON.parse(text);
};

const readRecord = (value: unknown): PaymentRecord | undefined => {
  const parsed = schema.safeParse(value);
  if (!parsed.success) return undefined;
  const { outcome, ...rest } = parsed.data;
  const bytes = outcome?.body === undefined ? undefined : decodeBase64(outcome.body);
  const body = bytes === undefined ? undefined : new Uint8Array(bytes);
  return {
    ...rest,
    ...(outcome === undefined ? {} : { outcome: { ...outcome, body } }),
  } as PaymentRecord;
};

/** Stores the payments of this tab. If the browser denies storage, they are in memory, and a reload loses them. */
export const tabShelf = shelfOr(
  storageShelf(() => sessionStorage),
  memoryShelf(),
);

/**
 * The payments of this tab, one for each tool: after a reload the page shows the payment instead of paying again. A payment with an outcome
 * is over. The tab keeps no signature, so a person looks an undecided payment up instead of sending it again.
 */
export const paymentsIn = (shelf: Shelf): Outbox<PaymentRecord> =>
  createOutbox(
    {
      idOf: ({ call }) => call,
      write: writeRecord,
      read: readRecord,
      endOf: ({ outcome }) => (outcome === undefined ? undefined : 0),
    },
    { shelf, alone: async (_, act) => await act(true), now: nowSeconds },
  );

/** Keeps a payment with its outcome, for this tab to show again. */
export const keepOutcome = async (
  shelf: Shelf,
  tool: string,
  record: PaymentRecord,
): Promise<void> => {
  const payments = paymentsIn(shelf);
  await payments.discard(recordKey(tool));
  await payments.keep(recordKey(tool), record);
};
