import { err, ok, type Result } from '../core/result.ts';
import { type AccountId, chainIdOf, type Network, parseAccountId } from '../protocol/account-id.ts';
import { parseAmount } from '../protocol/amount.ts';
import type { Permit } from '../protocol/payment.ts';
import { expectedTransfer } from './chain/expected-transfer.ts';
import type { SettlementTask } from './present/task.ts';
import * as z from 'zod/mini';

const lowercase = (pattern: RegExp) =>
  z.pipe(
    z.string().check(z.regex(pattern)),
    z.transform((text: string) => text as `0x${string}`),
  );
const address = lowercase(/^0x[0-9a-f]{40}$/);
const word = lowercase(/^0x[0-9a-f]{64}$/);
/** At most 4 KiB: more than any contract signature that fits into a payment header. */
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
const decimal = z.string().check(z.refine((text) => parseAmount(text) !== undefined));
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
  permit: z.optional(
    z.strictObject({
      facilitator: address,
      approval: z.optional(z.strictObject({ nonce: decimal, deadline: decimal, signature })),
    }),
  ),
  charge: z.optional(amount),
  sinceBlock: whole,
  acceptedAt: whole,
  deliveries: z.optional(whole),
};

const messageSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('settle'), signature }),
  z.strictObject({ ...common, kind: z.literal('look'), signature: z.optional(signature) }),
]);

/**
 * Reads a `SettlementMessage`. Strict, although our own account wrote it: a message that is only half understood must not be settled.
 *
 * @returns the task and how often earlier messages delivered it, or the path of the first wrong field.
 */
export const readSettlementMessage = (
  body: unknown,
): Result<SettlementTask & { readonly deliveries: number }, string> => {
  const parsed = messageSchema.safeParse(body);
  if (!parsed.success) return err(parsed.error.issues[0]?.path.join('.') || 'message');
  const { account: owner, call, token, authorization, maxTimeoutSeconds, acceptedAt } = parsed.data;
  const { permit, charge } = parsed.data;
  // EIP-3009 moves exactly the value. A charge of 0, or above what the payer signed, must not be presented.
  if (
    charge !== undefined &&
    (permit === undefined || charge <= 0n || charge > authorization.value)
  )
    return err('charge');
  const paid = {
    token,
    authorization,
    ...(permit === undefined ? {} : { permit: permitOf(permit) }),
    ...(charge === undefined ? {} : { charge }),
  };
  const transfer = expectedTransfer(paid, parsed.data.sinceBlock);
  const { deliveries = 0 } = parsed.data;
  const task = { account: owner, call, network: token.network, transfer, acceptedAt, deliveries };
  if (parsed.data.kind === 'look') return ok({ ...task, kind: 'look' });
  const { signature: signed } = parsed.data;
  const payment = { ...paid, signature: signed, maxTimeoutSeconds };
  return ok({ ...task, kind: 'settle', payment });
};

/** Without the members that the schema yields as undefined. */
const permitOf = ({
  facilitator,
  approval,
}: NonNullable<z.output<typeof common.permit>>): Permit => ({
  facilitator,
  ...(approval === undefined ? {} : { approval }),
});
