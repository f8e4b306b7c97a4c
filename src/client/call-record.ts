import * as z from 'zod/mini';
import type { Hex } from '../core/hex.ts';
import { decodeBase64 } from '../crypto/bytes.ts';
import { reading, readingText, uint256 } from '../protocol/wire-fields.ts';

/** What a gateway knows of a call of this account (`GET /calls/:id`). Amounts in atomic units. */
export type CallRecord = {
  readonly call: Hex;
  readonly tool: string;
  /** `requestDigest` of the request that the call was first used for. */
  readonly request: Hex;
  readonly binding: 'none' | 'intent';
  readonly state: string;
  readonly asset: string;
  readonly price: bigint;
  readonly charged: bigint;
  readonly paidFrom: 'payment' | 'credit' | 'none';
  readonly payment: string;
  readonly transaction?: Hex;
  readonly acceptedAt: number;
  readonly entry: Hex;
  readonly policy: Hex;
  /** The stored answer, where there is one. */
  readonly answer?: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Uint8Array<ArrayBuffer>;
  };
};

const hash = readingText<Hex>('must be a hash', (text) =>
  /^0x[0-9a-f]{64}$/.test(text) ? (text as Hex) : undefined,
);

const body = reading(z.string(), 'must be base64', (text) => {
  const bytes = decodeBase64(text);
  return bytes === undefined ? undefined : new Uint8Array(bytes);
});

const schema = z.looseObject({
  call: hash,
  tool: z.string(),
  request: hash,
  binding: z.enum(['none', 'intent']),
  state: z.string(),
  asset: z.string(),
  price: uint256,
  charged: uint256,
  paid_from: z.enum(['payment', 'credit', 'none']),
  payment: z.string(),
  transaction: z.nullish(hash),
  accepted_at: z.int(),
  entry: hash,
  policy: hash,
  answer: z.nullish(
    z.looseObject({
      status: z.int().check(z.gte(200), z.lte(599)),
      headers: z.record(z.string(), z.string()),
      body,
    }),
  ),
});

/** Reads the body of a look-up for a call; undefined when it is not one, or one of another call. */
export const callRecordOf = (json: unknown, call: Hex): CallRecord | undefined => {
  const parsed = schema.safeParse(json);
  if (!parsed.success || parsed.data.call !== call) return undefined;
  const { tool, request, binding, state, asset, price, charged, payment, entry, policy } =
    parsed.data;
  const { transaction, answer } = parsed.data;
  return {
    call,
    tool,
    request,
    binding,
    state,
    asset,
    price,
    charged,
    paidFrom: parsed.data.paid_from,
    payment,
    ...(transaction === undefined || transaction === null ? {} : { transaction }),
    acceptedAt: parsed.data.accepted_at,
    entry,
    policy,
    ...(answer === undefined || answer === null
      ? {}
      : { answer: { status: answer.status, headers: answer.headers, body: answer.body } }),
  };
};
