import * as z from 'zod/mini';
import type { Hex } from '../core/hex.ts';
import { decodeBase64 } from '../crypto/bytes.ts';
import type { Usage } from '../protocol/meter/meter.ts';
import { reading, readingText, uint256 } from '../protocol/wire-fields.ts';
import { isRecord } from './json.ts';

/** A call of this account as the gateway stores it (`GET /calls/:id`). Amounts in atomic units, times in Unix seconds. */
export type CallRecord = {
  /** Call id: the intent digest, or the EIP-3009 nonce of a plain payment. */
  readonly call: Hex;
  readonly tool: string;
  /** Digest of the first request of the call (docs/wire-format.md §3). */
  readonly request: Hex;
  readonly binding: 'none' | 'intent';
  /** `parked`, `held`, `committed`, `released` or `abandoned`. */
  readonly state: string;
  /** CAIP-19. */
  readonly asset: string;
  readonly price: bigint;
  readonly charged: bigint;
  readonly paidFrom: 'payment' | 'credit' | 'none';
  /** What a metered call has used, by unit, once it has ended. */
  readonly usage?: Usage;
  /** What decided the charge of a metered call: `metered`, `partial`, `missing` or `broken`. */
  readonly basis?: string;
  /** `none`, `held`, `queued`, `sent`, `settled`, `failed` or `released`. */
  readonly payment: string;
  /** Hash of the settlement transaction. */
  readonly transaction?: Hex;
  readonly acceptedAt: number;
  /** Hash of the log entry that records the outcome. */
  readonly entry: Hex;
  /** Hash of the policy that decided the call. */
  readonly policy: Hex;
  /**
   * For a call that waits or waited for a person: `waiting`, `approved`, `refused`, `expired` or `used`, and the end of the wait (`until`).
   */
  readonly approval?: { readonly state: string; readonly until: number };
  /** The stored answer of the tool, if the gateway keeps one. */
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

const isTextRecord = (value: unknown): boolean =>
  isRecord(value) && Object.values(value).every((text) => typeof text === 'string');

const schema = z.looseObject({
  call: hash,
  tool: z.string(),
  request: hash,
  binding: z.literal(['none', 'intent']),
  state: z.string(),
  asset: z.string(),
  price: uint256,
  charged: uint256,
  paid_from: z.literal(['payment', 'credit', 'none']),
  payment: z.string(),
  usage: z.nullish(z.record(z.string(), z.int())),
  basis: z.nullish(z.string()),
  transaction: z.nullish(hash),
  accepted_at: z.int(),
  entry: hash,
  policy: hash,
  approval: z.nullish(z.looseObject({ state: z.string(), until: z.int() })),
  answer: z.nullish(
    z.looseObject({
      status: z.int().check(z.gte(200), z.lte(599)),
      headers: z.custom<Readonly<Record<string, string>>>(isTextRecord),
      body,
    }),
  ),
});

/** Reads the record in the body of a look-up; undefined if it is malformed or of another call. */
export const callRecordOf = (json: unknown, call: Hex): CallRecord | undefined => {
  const parsed = schema.safeParse(json);
  if (!parsed.success || parsed.data.call !== call) return undefined;
  const { tool, request, binding, state, asset, price, charged, payment, entry, policy } =
    parsed.data;
  const { transaction, approval, answer, usage, basis } = parsed.data;
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
    ...(usage === undefined || usage === null ? {} : { usage }),
    ...(basis === undefined || basis === null ? {} : { basis }),
    ...(transaction === undefined || transaction === null ? {} : { transaction }),
    acceptedAt: parsed.data.accepted_at,
    entry,
    policy,
    ...(approval === undefined || approval === null
      ? {}
      : { approval: { state: approval.state, until: approval.until } }),
    ...(answer === undefined || answer === null
      ? {}
      : { answer: { status: answer.status, headers: answer.headers, body: answer.body } }),
  };
};
