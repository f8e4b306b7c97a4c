import type { Tool } from '../catalog/tool.ts';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import type { SecretFetcher } from '../vault/egress.ts';
import { placeSecrets } from '../vault/place.ts';
import {
  type CardCall,
  CENT,
  chargedAnswer,
  checkPlaces,
  draftOf,
  filledWith,
  freeAnswer,
} from './card-call.ts';
import { holdsDigits, scrubberOf } from './card-digits.ts';
import type { CardTable } from './card-table.ts';
import type { IssuingCard } from './card-terms.ts';
import { endCard } from './end-card.ts';
import { filterAnswer, type FilteredAnswer } from './filter-answer.ts';
import { cardRequest, type Issuer, type OpenedCard } from './stripe-card.ts';

/** The context of a call with a one-time card. */
export type Issuing = {
  readonly tool: Tool;
  readonly card: IssuingCard;
  readonly issuer: Issuer;
  readonly table: CardTable;
  /** Calls the merchant, with the tool's own secrets. */
  readonly merchant: SecretFetcher;
};

/**
 * How long after the end of a call the sweep may end its card. Longer than the account's grace, so that the account no longer waits for the
 * call.
 */
const SWEEP_AFTER: Seconds = 90;
/** How long a merchant that has answered may take to charge the card. */
const CHARGE_WITHIN: Seconds = 3_600;

/**
 * Returns the fetcher of one call: it makes a card for the held amount and one payment, sends it to the merchant, and concludes what was
 * charged. The outcome depends on what the issuer approved, not on the merchant's answer:
 *
 * - approved: the call is charged, also if the merchant failed or fell silent;
 * - not approved and the card cancelled: nothing was charged and nothing can be;
 * - unknown: the fetcher throws, so that the account keeps the amount, and the sweep concludes the call.
 *
 * A crash at any step leaves a row that the sweep ends. The number and the CVC are in this function's variables only.
 */
export const openIssuing = (issuing: Issuing, call: CardCall): SecretFetcher => ({
  fetch: async (url, init) => {
    const draft = await checkPlaces(draftOf(call, url, init), issuing.card);
    if (!draft.ok) return draft.error;
    const made = await makeCard(issuing, call);
    if ('refusal' in made) return made.refusal;
    const { id, opened } = made;
    const answer = await pay(issuing, call, { url, init, opened });
    return answer?.status === 200
      ? await succeeded(issuing, call, id, answer)
      : await failed(issuing, call, id, answer);
  },
});

type Made = { readonly id: string; readonly opened: OpenedCard } | { readonly refusal: Response };

const notMade = (): Response => freeAnswer(502, { card: 'none', error: 'no card could be made' });

/** Makes the card and reads its number. Until `table.open`, nobody has the number, so a failure here charges nothing. */
const makeCard = async (
  { tool, card, issuer, table }: Issuing,
  { id: call, account, price, asset, timeoutSeconds }: CardCall,
): Promise<Made> => {
  const now = nowSeconds();
  const cents = Number(price / CENT);
  const currency = asset.replace('iso4217:', '').toLowerCase();
  if (cents < 1) return { refusal: notMade() };
  const request = cardRequest(card, { call, cents, currency });
  const until = now + timeoutSeconds + SWEEP_AFTER;
  try {
    const row = { call, account, tool: tool.id, secret: card.key, request, until };
    // A row means that an earlier attempt has already reached this point: its card must not be used twice.
    if (!(await table.insert({ ...row, cap: cents, currency }, now))) {
      throw new Error('the call has a card already');
    }
    const made = await issuer.make(call, request);
    const opened = made.ok ? await issuer.open(made.value.id) : made;
    if (made.ok && opened.ok && (await table.open(call, made.value.id))) {
      return { id: made.value.id, opened: opened.value };
    }
    console.error({
      event: 'card_not_made',
      call,
      tool: tool.id,
      fault: !opened.ok && opened.error,
    });
    if (made.ok) await endCard(table, issuer, { call, card: made.value.id });
    // A card that the issuer refused does not exist. After any other failure the sweep looks the card up.
    else if (made.error === 'refused' && (await table.close(call, null))) await table.closed(call);
    return { refusal: notMade() };
  } catch (cause) {
    console.error({ event: 'card_not_made', call, tool: tool.id, cause: String(cause) });
    return { refusal: notMade() };
  }
};

type Sent = {
  readonly url: string;
  readonly init: RequestInit;
  readonly opened: OpenedCard;
};

/** Sends the card to the merchant. @returns the filtered answer; undefined if none came */
const pay = async (
  { card, merchant }: Issuing,
  call: CardCall,
  { url, init, opened }: Sent,
): Promise<FilteredAnswer | undefined> => {
  const { number, cvc, expMonth, expYear } = opened;
  const parts = { number, cvc, exp_month: expMonth, exp_year: expYear };
  try {
    const placed = await placeSecrets(
      draftOf(call, url, init),
      filledWith(card, parts),
      Date.now(),
    );
    if (!placed.ok) return undefined;
    const { method, headers, body } = placed.value;
    const response = await merchant.fetch(url, {
      ...{ ...init, method, headers, body, redirect: 'manual' },
    });
    const filtered = await filterAnswer(response, card.answer, scrubberOf(opened));
    // Attack: the merchant returns the card in pieces, one in each member.
    const isSplit = holdsDigits(JSON.stringify(filtered.body), number);
    return isSplit ? { ...filtered, body: {} } : filtered;
  } catch {
    // The error could contain the request, so drop it. Only the issuer knows whether the card was charged.
    return undefined;
  }
};

/** The merchant has accepted the order. It may charge the card a little later. */
const succeeded = async (
  { issuer, table }: Issuing,
  { id: call, price, timeoutSeconds }: CardCall,
  card: string,
  { body }: FilteredAnswer,
): Promise<Response> => {
  const findCharge = async (): Promise<number | undefined> => {
    const approved = await issuer.approvedOn(card);
    if (approved.ok && approved.value !== undefined) await table.charge(call, approved.value);
    return table.seal(call);
  };
  try {
    const charged = (await table.seal(call)) ?? (await findCharge());
    if (charged !== undefined) return chargedAnswer(body, millionths(charged, price));
    await table.extend(call, nowSeconds() + timeoutSeconds + CHARGE_WITHIN);
  } catch (cause) {
    console.error({ event: 'card_unread', call, cause: String(cause) });
  }
  return chargedAnswer(body, price);
};

/** The merchant refused, failed or fell silent. */
const failed = async (
  { issuer, table }: Issuing,
  { id: call, price }: CardCall,
  card: string,
  answer: FilteredAnswer | undefined,
): Promise<Response> => {
  const ended = await endCard(table, issuer, { call, card });
  switch (ended.end) {
    case 'charged': {
      const body = { ...answer?.body, card: 'charged', answer: answer ? 'failed' : 'lost' };
      return chargedAnswer(body, millionths(ended.cents, price));
    }
    case 'closed':
      return freeAnswer(answer?.status ?? 502, { ...answer?.body, card: 'cancelled' });
    case 'unknown':
      throw new Error('what was charged is unknown');
  }
};

/** The charge of a call: at most the amount that its account holds. If the issuer approved more, the webhook raises an alert. */
const millionths = (cents: number, price: bigint): bigint => {
  const charged = BigInt(cents) * CENT;
  return charged < price ? charged : price;
};
