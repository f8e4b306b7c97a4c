import * as z from 'zod/mini';
import { parseStrictJson } from '../protocol/strict-json.ts';

/** Amounts in the currency's smallest unit: cents. */
const cents = z.int().check(z.nonnegative());
const currency = z.string().check(z.regex(/^[a-z]{3}$/));
const authorization = z.object({
  id: z.string().check(z.regex(/^iauth_[A-Za-z0-9_]{1,128}$/)),
  object: z.literal('issuing.authorization'),
  card: z.object({ id: z.string().check(z.regex(/^ic_[A-Za-z0-9_]{1,128}$/)) }),
  /** The amount that was approved before. */
  amount: cents,
  currency,
  approved: z.boolean(),
  /** The amount that the merchant requests now, in the card's currency. */
  pending_request: z.nullish(z.object({ amount: cents, currency })),
});

/** An authorization as the issuer states it: of a list, or of an event. */
export const authorizationSchema = authorization;

const event = z.object({
  id: z.string().check(z.regex(/^evt_[A-Za-z0-9_]{1,128}$/)),
  object: z.literal('event'),
  type: z.string().check(z.maxLength(128)),
  data: z.object({ object: z.unknown() }),
});

/** `updated`: e.g. the merchant raised the amount (docs.stripe.com/issuing/purchases/authorizations). */
const DECIDED: ReadonlySet<string> = new Set([
  'issuing_authorization.created',
  'issuing_authorization.updated',
]);

/** The meaning of an issuer's event for the gateway. Amounts in cents. */
export type CardEvent =
  /** The issuer waits two seconds for a decision. `amount`: the merchant's total if the gateway approves. */
  | { readonly kind: 'decide'; readonly authorization: Authorized }
  /** The issuer has decided. */
  | { readonly kind: 'decided'; readonly authorization: Authorized; readonly approved: boolean }
  /** An event that no call depends on. */
  | { readonly kind: 'other' };

export type Authorized = {
  readonly id: string;
  readonly card: string;
  readonly amount: number;
  readonly currency: string;
};

/**
 * Reads an event whose signature was verified. Members that the gateway does not use are ignored: the issuer adds some with every version.
 *
 * @returns undefined for a text that is not an event, or an authorization that lacks a member that the decision needs
 */
export const readCardEvent = (text: string): CardEvent | undefined => {
  const json = parseStrictJson(text);
  const parsed = json.ok ? event.safeParse(json.value) : undefined;
  if (parsed?.success !== true) return undefined;
  const { type, data } = parsed.data;
  const isRequest = type === 'issuing_authorization.request';
  if (!isRequest && !DECIDED.has(type)) return { kind: 'other' };
  const read = authorization.safeParse(data.object);
  if (!read.success) return undefined;
  const { id, card, amount, currency: of, approved, pending_request: pending } = read.data;
  const common = { id, card: card.id };
  if (!isRequest) {
    return { kind: 'decided', approved, authorization: { ...common, amount, currency: of } };
  }
  if (pending === null || pending === undefined) return undefined;
  const total = amount + pending.amount;
  if (amount > 0 && of !== pending.currency) return undefined;
  return {
    kind: 'decide',
    authorization: { ...common, amount: total, currency: pending.currency },
  };
};
