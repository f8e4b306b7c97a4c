import * as z from 'zod/mini';
import { type AccountId, chainIdOf, type Network, parseAccountId } from '../protocol/account-id.ts';
import { parseAmount } from '../protocol/amount.ts';
import type { Seconds } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Look } from './chain/expected-transfer.ts';
import type { Authorization, Payment } from '../protocol/payment.ts';

/** One message of the settlement queue, checked: what to look for, and for `settle` what to present. */
export type SettlementTask = {
  readonly account: AccountId;
  readonly call: `0x${string}`;
  readonly network: Network;
  readonly look: Look;
  /** Missing where an older release wrote the message. */
  readonly acceptedAt?: Seconds;
} & (
  | { readonly kind: 'settle'; readonly payment: Payment }
  | { readonly kind: 'look'; readonly payment?: undefined }
);

const lowercase = (pattern: RegExp) =>
  z.pipe(
    z.string().check(z.regex(pattern)),
    z.transform((text: string) => text as `0x${string}`),
  );
const address = lowercase(/^0x[0-9a-f]{40}$/);
const word = lowercase(/^0x[0-9a-f]{64}$/);
/** At most 4 KiB, which is more than any contract signature that fits into a payment header. */
const signature = lowercase(/^0x(?:[0-9a-fA-F]{2}){1,4096}$/);
const network = z.pipe(
  z.string().check(z.refine((text) => chainIdOf(text) !== undefined)),
  z.transform((text: string) => text as Network),
);
const account = z.pipe(
  z.string().check(z.refine((text) => parseAccountId(text) !== undefined)),
  z.transform((text: string) => text as AccountId),
);
const amount = z.pipe(
  z.string().check(z.refine((text) => parseAmount(text) !== undefined)),
  z.transform((text: string) => BigInt(text)),
);
const whole = z.int().check(z.nonnegative());
const name = z.string().check(z.minLength(1), z.maxLength(64));

const common = {
  v: z.literal(1),
  account,
  call: word,
  token: z.strictObject({ network, address, name, version: name }),
  authorization: z.strictObject({
    from: address,
    to: address,
    value: amount,
    validAfter: amount,
    validBefore: amount,
    nonce: word,
  }),
  maxTimeoutSeconds: whole,
  sinceBlock: whole,
  acceptedAt: z.exactOptional(whole),
};

const messageSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('settle'), signature }),
  z.strictObject({ ...common, kind: z.literal('look'), signature: z.optional(signature) }),
]);

/**
 * Reads a `SettlementMessage`. Strict, though our own account wrote it: a queue outlives releases, and what is not understood
 * must not be settled by half.
 *
 * @returns the task, or the path of the first field that is wrong.
 */
export const readSettlementMessage = (body: unknown): Result<SettlementTask, string> => {
  const parsed = messageSchema.safeParse(body);
  if (!parsed.success) return err(parsed.error.issues[0]?.path.join('.') || 'message');
  const { token, authorization, maxTimeoutSeconds, sinceBlock, ...message } = parsed.data;
  const { account: owner, call, acceptedAt } = message;
  const where = {
    account: owner,
    call,
    network: token.network,
    ...(acceptedAt === undefined ? {} : { acceptedAt }),
  };
  const look = lookFor({ token, authorization }, sinceBlock);
  if (message.kind === 'look') return ok({ ...where, look, kind: 'look' });
  const payment = { token, authorization, signature: message.signature, maxTimeoutSeconds };
  return ok({ ...where, look, kind: 'settle', payment });
};

/** What to look for on the chain, for a payment accepted when `sinceBlock` was the newest block known. */
export const lookFor = (
  { token, authorization }: { token: Payment['token']; authorization: Authorization },
  sinceBlock: number,
): Look => ({
  token: token.address,
  payer: authorization.from,
  payTo: authorization.to,
  value: authorization.value,
  nonce: authorization.nonce,
  validBefore: authorization.validBefore,
  sinceBlock,
});
