import { err, ok, type Result } from '../core/result.ts';
import type { Call } from '../protocol/account/call.ts';
import { problem } from '../protocol/problem/problem.ts';
import { type Draft, type Filled, placeSecrets } from '../vault/place.ts';
import type { Card, CardPart } from './card-terms.ts';
import type { FilteredAnswer } from './filter-answer.ts';

/** A call whose amount its account holds: `price`, in millionths of `asset`. */
export type CardCall = Pick<Call, 'id' | 'account' | 'price' | 'asset' | 'timeoutSeconds'>;

/** Millionths in a cent. */
export const CENT = 10_000n;

/** The idempotency key of a call at its merchant: a merchant that knows the header charges a repeat once. */
const merchantKeyOf = ({ id: call }: CardCall): string => `countersign-${call}`;

/**
 * Reads the request to a merchant as it will be after its places are filled, with the call's idempotency key. No `Range`: a part of the
 * answer could begin in the middle of a card number.
 */
export const draftOf = (call: CardCall, url: string, init: RequestInit): Draft => {
  const headers = new Headers(init.headers);
  for (const name of ['range', 'if-range']) headers.delete(name);
  headers.set('accept-encoding', 'identity');
  headers.set('idempotency-key', merchantKeyOf(call));
  const body = (init.body ?? null) as Uint8Array<ArrayBuffer> | null;
  return { method: init.method ?? 'POST', url, headers, body };
};

/** The places of a card, filled with texts for its parts. */
export const filledWith = (
  { places }: Pick<Card, 'places'>,
  parts: Readonly<Record<CardPart, string>>,
): readonly Filled[] =>
  places.map(({ part, ...place }) => ({
    placement: { ...place, secret: 'card', field: part },
    value: { kind: 'json', label: '', texts: parts },
  }));

const DUMMY: Readonly<Record<CardPart, string>> = {
  number: '0',
  cvc: '0',
  exp_month: '0',
  exp_year: '0',
};

/** Checks, before a card is made, that the caller's request can carry one. @returns the answer that refuses the request */
export const checkPlaces = async (draft: Draft, card: Card): Promise<Result<Draft, Response>> => {
  const { pathname, search } = new URL(draft.url);
  if (search !== '') return err(await malformed('query', `${pathname} takes no query`));
  const placed = await placeSecrets(draft, filledWith(card, DUMMY), 0);
  if (placed.ok) return ok(placed.value);
  return err(
    placed.error.kind === 'tool'
      ? await malformed('body', 'cannot carry a card')
      : await malformed(placed.error.fault.field, placed.error.fault.reason),
  );
};

export const malformed = (field: string, hint: string): Promise<Response> =>
  problem({ reason: 'malformed_request', field, hint });

/**
 * The answer of a card tool: the filtered body, and in `settlement-overrides` the charge, which counts if the tool's price is a maximum.
 * Without this header the gateway would charge the whole price.
 *
 * @param charged millionths
 */
export const chargedAnswer = (body: FilteredAnswer['body'], charged: bigint): Response =>
  Response.json(body, {
    headers: { 'settlement-overrides': JSON.stringify({ amount: charged.toString() }) },
  });

/**
 * The answer to a call that charged nothing and never will. An account releases the amount of a card tool only for a 4xx, so the answer for
 * a merchant that failed or fell silent is 424 (RFC 4918 §11.4).
 */
export const freeAnswer = (
  status: FilteredAnswer['status'],
  body: FilteredAnswer['body'],
): Response => Response.json(body, { status: status === 422 ? 422 : 424 });
