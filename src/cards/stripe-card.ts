import * as z from 'zod/mini';
import { readText } from '../core/read-text.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Hex } from '../core/hex.ts';
import { utf8 } from '../crypto/bytes.ts';
import type { SecretFetcher } from '../vault/egress.ts';
import type { CardNumbers } from './card-digits.ts';
import { authorizationSchema } from './card-event.ts';
import type { IssuingCard } from './card-terms.ts';

/**
 * The four requests of a one-time card to Stripe Issuing (docs.stripe.com/api/issuing/cards). `cancel_after` exists since this version of
 * the API, which every request names: the account's default could be an older one.
 */
export const STRIPE_VERSION = '2026-03-25.dahlia';

/** Why a request to the issuer failed. `refused`: the issuer did nothing. `unknown`: it may have carried the request out. */
export type IssuerFault = 'refused' | 'unknown';

/** A card as the issuer made it. */
export type MadeCard = { readonly id: string };

/** A card with its numbers, which are never stored. */
export type OpenedCard = CardNumbers & { readonly expMonth: string; readonly expYear: string };

/** The amounts that the issuer approved on a card. */
export type Approved = { readonly id: string; readonly amount: number };

const id = z.string().check(z.regex(/^ic_[A-Za-z0-9_]{1,128}$/));
const made = z.object({ id, object: z.literal('issuing.card') });
const opened = z.object({
  ...made.shape,
  number: z.string().check(z.regex(/^\d{13,19}$/)),
  cvc: z.string().check(z.regex(/^\d{3,4}$/)),
  exp_month: z.int().check(z.minimum(1), z.maximum(12)),
  exp_year: z.int().check(z.minimum(2_000), z.maximum(9_999)),
});
const cancelled = z.object({ ...made.shape, status: z.literal('canceled') });
const listed = z.object({
  object: z.literal('list'),
  data: z.array(authorizationSchema),
  has_more: z.boolean(),
});

const MAX_BODY = 256 * 1_024;
const TIMEOUT_MS = 4_000;

/** The body that makes a card. Stored until the card has ended, so that a repeat under the same idempotency key is the same request. */
export const cardRequest = (
  { cardholder, categories = [], countries = [] }: IssuingCard,
  {
    call,
    cents,
    currency,
  }: { readonly call: Hex; readonly cents: number; readonly currency: string },
): string =>
  new URLSearchParams([
    ['cardholder', cardholder],
    ['currency', currency],
    ['type', 'virtual'],
    ['status', 'active'],
    ['spending_controls[spending_limits][0][amount]', String(cents)],
    ['spending_controls[spending_limits][0][interval]', 'all_time'],
    ...categories.map((each, at) => [`spending_controls[allowed_categories][${at}]`, each]),
    ...countries.map((each, at) => [`spending_controls[allowed_merchant_countries][${at}]`, each]),
    ['lifecycle_controls[cancel_after][payment_count]', '1'],
    ['metadata[countersign_call]', call],
  ] as [string, string][]).toString();

/** The idempotency key of a call's card: a repeat makes no second card. Stripe keeps it for at least a day. */
export const cardKeyOf = (call: Hex): string => `countersign-card-${call}`;

/** The issuer of a tool. */
export type Issuer = {
  readonly make: (call: Hex, request: string) => Promise<Result<MadeCard, IssuerFault>>;
  readonly open: (card: string) => Promise<Result<OpenedCard, IssuerFault>>;
  readonly cancel: (card: string) => Promise<Result<'cancelled', IssuerFault>>;
  /** The approved authorization of a card; undefined if there is none. */
  readonly approvedOn: (card: string) => Promise<Result<Approved | undefined, IssuerFault>>;
};

/** @param fetcher carries the key of the issuer, bound to its host */
export const openIssuer = (fetcher: SecretFetcher, origin: string): Issuer => {
  const send = async <T>(
    schema: z.ZodMiniType<T>,
    path: string,
    post?: { readonly form: string; readonly key: string },
  ): Promise<Result<T, IssuerFault>> => {
    try {
      const response = await fetcher.fetch(`${origin}/v1/issuing/${path}`, {
        method: post === undefined ? 'GET' : 'POST',
        headers: {
          'stripe-version': STRIPE_VERSION,
          ...(post === undefined
            ? {}
            : {
                'content-type': 'application/x-www-form-urlencoded',
                'idempotency-key': post.key,
              }),
        },
        body: post === undefined ? null : new Uint8Array(utf8(post.form)),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await readText(response, MAX_BODY);
      const { status } = response;
      // 409: another request with this key is running. 429: the issuer did nothing, but a repeat could succeed.
      if (status >= 400 && status < 500 && status !== 409 && status !== 429) return err('refused');
      const parsed =
        status === 200 && text !== undefined ? schema.safeParse(parse(text)) : undefined;
      return parsed?.success === true ? ok(parsed.data) : err('unknown');
    } catch {
      return err('unknown');
    }
  };
  return {
    make: async (call, form) => {
      const post = { form, key: cardKeyOf(call) };
      const first = await send(made, 'cards', post);
      return first.ok || first.error === 'refused' ? first : await send(made, 'cards', post);
    },
    open: async (card) => {
      const read = await send(opened, `cards/${card}?expand[]=number&expand[]=cvc`);
      if (!read.ok) return read;
      const { number, cvc, exp_month: month, exp_year: year } = read.value;
      return ok({ number, cvc, expMonth: String(month).padStart(2, '0'), expYear: String(year) });
    },
    cancel: async (card) => {
      const post = { form: 'status=canceled', key: `countersign-cancel-${card}` };
      const first = await send(cancelled, `cards/${card}`, post);
      const done = first.ok ? first : await send(cancelled, `cards/${card}`);
      return done.ok ? ok('cancelled') : done;
    },
    approvedOn: async (card) => {
      const read = await send(listed, `authorizations?card=${card}&limit=100`);
      if (!read.ok) return read;
      const all = read.value.data.filter((each) => each.approved && each.card.id === card);
      const [first] = all;
      if (first === undefined) return ok(undefined);
      return ok({ id: first.id, amount: all.reduce((sum, each) => sum + each.amount, 0) });
    },
  };
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
