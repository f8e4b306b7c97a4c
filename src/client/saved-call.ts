import * as z from 'zod/mini';
import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { decodeBase64, encodeBase64 } from '../crypto/bytes.ts';
import type { AssetId, Network } from '../protocol/account-id.ts';
import { parseAmount } from '../protocol/amount.ts';
import { encodeRetryKey, parseRetryKey } from '../protocol/intent/retry-key.ts';
import { CountersignError } from './errors.ts';
import { type Outgoing, readOutgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';

/**
 * A call that waits for a person, as JSON that outlives the process: `Agent.resume` continues it. Its holder can run the call once it is
 * approved, and read the answer: store it like a key.
 */
export type SavedCall = {
  readonly call: Hex;
  readonly expiresAt: Seconds;
  /** `mcp`: the request carries a `tools/call`, and the agent signed that message. */
  readonly over: 'http' | 'mcp';
  readonly request: {
    readonly url: string;
    readonly method: string;
    readonly headers: readonly (readonly [name: string, value: string])[];
    /** Base64. */
    readonly body: string;
  };
  readonly proof: {
    readonly [member: string]: unknown;
  };
};

/** @param until when the call expires, Unix seconds */
export const saveCall = (
  { url, method, headers, body, resource }: Outgoing,
  { secret, amount, ...proof }: Proof,
  until: Seconds,
): SavedCall => ({
  call: proof.call,
  expiresAt: until,
  over: resource === undefined ? 'http' : 'mcp',
  request: {
    url,
    method: resource === undefined ? method : 'POST',
    headers: [...headers],
    body: encodeBase64(body ?? new Uint8Array()),
  },
  proof: {
    ...proof,
    until,
    amount: amount.toString(),
    ...(secret === undefined ? {} : { secret: encodeRetryKey(secret) }),
  },
});

const hash = z.string().check(z.regex(/^0x[0-9a-f]{64}$/));

const schema = z.object({
  call: hash,
  expiresAt: z.int(),
  over: z.enum(['http', 'mcp']),
  request: z.object({
    url: z.string(),
    method: z.string(),
    headers: z.array(z.tuple([z.string(), z.string()])),
    body: z.string(),
  }),
  proof: z.object({
    header: z.tuple([z.string(), z.string()]),
    secret: z.optional(z.string()),
    pays: z.enum(['none', 'payment', 'credit', 'card']),
    version: z.optional(z.union([z.literal(1), z.literal(2)])),
    binding: z.enum(['none', 'intent']),
    call: hash,
    network: z.string(),
    asset: z.string(),
    amount: z.string(),
    until: z.int(),
    gateway: z.optional(z.object({ audience: z.string(), tool: z.string() })),
  }),
});

/** The parts of a saved call. @throws CountersignError `options_invalid` for anything else */
export const readSavedCall = async (
  saved: unknown,
): Promise<{
  readonly over: SavedCall['over'];
  readonly request: Outgoing;
  readonly proof: Proof;
}> => {
  const parsed = schema.safeParse(saved);
  const amount = parsed.success ? parseAmount(parsed.data.proof.amount) : undefined;
  const body = parsed.success ? decodeBase64(parsed.data.request.body) : undefined;
  const secret = parseRetryKey(parsed.success ? (parsed.data.proof.secret ?? '') : '');
  if (!parsed.success || amount === undefined || body === undefined || !secret.ok) {
    throw new CountersignError('options_invalid', 'resume takes what approval.save() returned');
  }
  const { over, request, proof } = parsed.data;
  const { url, method, headers } = request;
  return {
    over,
    request: await readOutgoing(url, {
      method,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      ...(body.byteLength === 0 ? {} : { body: new Uint8Array(body) }),
    }),
    proof: {
      ...proof,
      amount,
      secret: secret.value,
      call: proof.call as Hex,
      network: proof.network as Network,
      asset: proof.asset as AssetId,
      gateway: proof.gateway,
    } as Proof,
  };
};
