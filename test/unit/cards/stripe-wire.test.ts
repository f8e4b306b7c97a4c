import { describe, expect, it } from 'vitest';
import { readCardEvent } from '../../../src/cards/card-event.ts';
import { cardRequest, openIssuer } from '../../../src/cards/stripe-card.ts';
import { CARD, ORIGIN } from './world.ts';

const CALL = `0x${'ab'.repeat(32)}` as const;

/** Answers requests from a list, and records the requests. */
const recording = (answers: readonly (Response | 'lost')[]) => {
  const sent: Record<string, unknown>[] = [];
  const issuer = openIssuer(
    {
      fetch: async (url, { method, headers, body }) => {
        const text = body === null ? null : new TextDecoder().decode(body as Uint8Array);
        sent.push({ url, method, headers: Object.fromEntries(new Headers(headers)), body: text });
        const answer = answers[sent.length - 1];
        if (answer === undefined || answer === 'lost') throw new Error('lost');
        return answer;
      },
    },
    ORIGIN,
  );
  return { issuer, sent };
};

const made = () => Response.json({ id: 'ic_1', object: 'issuing.card', status: 'active' });
const VERSION = { 'stripe-version': '2026-03-25.dahlia' };

describe('a request to Stripe Issuing', () => {
  it('makes a virtual card with one limit and one payment, in this form', () => {
    const form = cardRequest(
      { ...CARD, categories: ['book_stores', 'florists'], countries: ['US'] },
      { call: CALL, cents: 2_000, currency: 'usd' },
    );
    expect(decodeURIComponent(form)).toBe(
      [
        'cardholder=ich_1Owner&currency=usd&type=virtual&status=active',
        'spending_controls[spending_limits][0][amount]=2000',
        'spending_controls[spending_limits][0][interval]=all_time',
        'spending_controls[allowed_categories][0]=book_stores',
        'spending_controls[allowed_categories][1]=florists',
        'spending_controls[allowed_merchant_countries][0]=US',
        'lifecycle_controls[cancel_after][payment_count]=1',
        `metadata[countersign_call]=${CALL}`,
      ].join('&'),
    );
  });

  it('carries version, type and a key of the call, and is repeated with the same key', async () => {
    const { issuer, sent } = recording(['lost', made()]);
    expect(await issuer.make(CALL, 'a=b')).toEqual({
      ok: true,
      value: expect.anything() as object,
    });
    const request = {
      ...{ url: `${ORIGIN}/v1/issuing/cards`, method: 'POST', body: 'a=b' },
      headers: {
        ...VERSION,
        'content-type': 'application/x-www-form-urlencoded',
        'idempotency-key': `countersign-card-${CALL}`,
      },
    };
    expect(sent).toEqual([request, request]);
  });

  it('reads a number only by expansion', async () => {
    const card = { id: 'ic_1', object: 'issuing.card', exp_month: 4, exp_year: 2029 };
    const numbers = { number: '4000009990000003', cvc: '123' };
    const { issuer, sent } = recording([Response.json({ ...card, ...numbers })]);
    expect(await issuer.open('ic_1')).toEqual({
      ok: true,
      value: { ...numbers, expMonth: '04', expYear: '2029' },
    });
    expect(sent).toEqual([
      {
        url: `${ORIGIN}/v1/issuing/cards/ic_1?expand[]=number&expand[]=cvc`,
        ...{ method: 'GET', headers: VERSION, body: null },
      },
    ]);
  });

  it('cancels, and reads the card if the answer is lost', async () => {
    const cancelled = () =>
      Response.json({ id: 'ic_1', object: 'issuing.card', status: 'canceled' });
    const { issuer, sent } = recording(['lost', cancelled()]);
    expect(await issuer.cancel('ic_1')).toEqual({ ok: true, value: 'cancelled' });
    expect(sent.map(({ method, body }) => [method, body])).toEqual([
      ['POST', 'status=canceled'],
      ['GET', null],
    ]);
    const active = recording(['lost', made()]);
    expect((await active.issuer.cancel('ic_1')).ok).toBe(false);
  });

  it('sums the approved authorizations of the card, and of no other', async () => {
    const of = (card: string, amount: number, approved: boolean) => ({
      ...{ id: `iauth_${amount}`, object: 'issuing.authorization', card: { id: card } },
      ...{ amount, currency: 'usd', approved },
    });
    const data = [
      of('ic_2', 1, true),
      of('ic_1', 2, false),
      of('ic_1', 3, true),
      of('ic_1', 4, true),
    ];
    const { issuer, sent } = recording([Response.json({ object: 'list', has_more: false, data })]);
    expect(await issuer.approvedOn('ic_1')).toEqual({
      ok: true,
      value: { id: 'iauth_3', amount: 7 },
    });
    expect(sent[0]?.['url']).toBe(`${ORIGIN}/v1/issuing/authorizations?card=ic_1&limit=100`);
  });

  it.each([
    [400, 'refused'],
    [401, 'refused'],
    [402, 'refused'],
    [409, 'unknown'],
    [429, 'unknown'],
    [500, 'unknown'],
    [302, 'unknown'],
    [201, 'unknown'],
  ])('answered by %i is %s', async (status, error) => {
    const { issuer } = recording([new Response('{}', { status }), new Response('{}', { status })]);
    expect(await issuer.make(CALL, '')).toEqual({ ok: false, error });
  });

  it.each([
    'not json',
    '{"id":"ic_1"}',
    '{"id":"card_1","object":"issuing.card"}',
    ' '.repeat(300_000),
  ])('answered by other text is unknown', async (text) => {
    const { issuer } = recording([new Response(text), new Response(text)]);
    expect(await issuer.make(CALL, '')).toEqual({ ok: false, error: 'unknown' });
  });
});

describe('an event', () => {
  const authorization = {
    ...{ id: 'iauth_1', object: 'issuing.authorization', card: { id: 'ic_1' } },
    ...{ amount: 0, currency: 'usd', approved: false },
    pending_request: { amount: 1_850, currency: 'usd', is_amount_controllable: false },
  };
  const event = (type: string, object: unknown) =>
    JSON.stringify({ id: 'evt_1', object: 'event', type, data: { object }, livemode: false });

  it('asks for everything that the merchant would have then', () => {
    const of = (amount: number) =>
      readCardEvent(event('issuing_authorization.request', { ...authorization, amount }));
    expect(of(0)).toMatchObject({ kind: 'decide', authorization: { amount: 1_850 } });
    expect(of(200)).toMatchObject({ kind: 'decide', authorization: { amount: 2_050 } });
  });

  it('reports a decision', () => {
    const object = { ...authorization, amount: 1_850, approved: true, pending_request: null };
    expect(readCardEvent(event('issuing_authorization.created', object))).toEqual({
      ...{ kind: 'decided', approved: true },
      authorization: { id: 'iauth_1', card: 'ic_1', amount: 1_850, currency: 'usd' },
    });
  });

  it('of another type concerns no call', () => {
    expect(readCardEvent(event('issuing_card.created', {}))).toEqual({ kind: 'other' });
  });

  it.each([
    'x',
    '[]',
    '{"id":"evt_1","object":"event","type":"issuing_authorization.request","data":{"object":{}}}',
    event('issuing_authorization.request', { ...authorization, pending_request: null }),
    event('issuing_authorization.request', { ...authorization, amount: -1 }),
    event('issuing_authorization.request', { ...authorization, amount: 1, currency: 'eur' }),
    event('issuing_authorization.created', { ...authorization, card: 'ic_1' }),
  ])('without what a decision needs is refused: %#', (text) => {
    expect(readCardEvent(text)).toBe(undefined);
  });
});
