import { type FakeCard, newNumbers } from './fake-card.ts';

/** What a merchant sends to the card network. */
export type Purchase = {
  readonly number: string;
  readonly cvc: string;
  readonly expMonth: number;
  readonly expYear: number;
  /** Cents. */
  readonly amount: number;
  readonly currency: string;
};

export type NetworkAnswer =
  | { readonly approved: true; readonly authorization: string }
  | { readonly approved: false; readonly reason: string };

/**
 * A fake of Stripe Issuing for one machine: cards, authorizations and signed webhooks in Stripe's wire form. It checks what Stripe
 * checks: the key, the API version, unknown parameters, idempotency keys, spending limits, and the number of payments.
 */
export type FakeIssuer = {
  /** Serves the API. */
  readonly handle: (request: Request) => Promise<Response>;
  /** Acts as the card network when a merchant requests a payment. */
  readonly authorize: (purchase: Purchase) => Promise<NetworkAnswer>;
  /**
   * The merchant raises an approved payment. The issuer asks the gateway for approval, unless the network approves on the issuer's behalf.
   */
  readonly raise: (
    authorization: string,
    amount: number,
    decidedBy: 'gateway' | 'network',
  ) => Promise<NetworkAnswer>;
  readonly cards: () => readonly FakeCard[];
  readonly authorizations: () => readonly Authorization[];
  /** Sends the webhook of an authorization once more. */
  readonly redeliver: (authorization: string) => Promise<number>;
};

export type Authorization = {
  readonly id: string;
  readonly card: string;
  readonly amount: number;
  readonly currency: string;
  readonly approved: boolean;
};

export type FakeIssuerOptions = {
  readonly key: string;
  readonly webhookSecret: string;
  /** Posts an event to the gateway; undefined if it did not answer in time. */
  readonly deliver: (body: string, signature: string) => Promise<Response | undefined>;
};

const VERSION = '2026-03-25.dahlia';
/** Parameters of `POST /v1/issuing/cards` that this fake knows; Stripe refuses others by name. */
const KNOWN = [
  /^(?:cardholder|currency|type|status)$/,
  /^spending_controls\[spending_limits\]\[0\]\[(?:amount|interval)\]$/,
  /^spending_controls\[(?:allowed_categories|allowed_merchant_countries)\]\[\d+\]$/,
  /^lifecycle_controls\[cancel_after\]\[payment_count\]$/,
  /^metadata\[[a-z_]{1,40}\]$/,
];

const id = (prefix: string): string =>
  `${prefix}_${crypto.randomUUID().replaceAll('-', '').slice(0, 24)}`;

const fault = (status: number, type: string, message: string): Response =>
  Response.json({ error: { type, message } }, { status, headers: { 'request-id': id('req') } });

const invalid = (message: string): Response => fault(400, 'invalid_request_error', message);

/** Decodes the bytes: the Workers runtime logs a warning when code reads a form as text. */
const bodyOf = async (request: Request): Promise<string> =>
  new TextDecoder().decode(await request.arrayBuffer());

/** Signs an event as Stripe does. */
export const signStripeEvent = async (
  body: string,
  secret: string,
  at: number,
): Promise<string> => {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey(
    'raw',
    encoder.encode(secret),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  const mac = new Uint8Array(
    await crypto.subtle.sign('HMAC', key, encoder.encode(`${at}.${body}`)),
  );
  const hex = [...mac].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `t=${at},v1=${hex},v0=${'0'.repeat(64)}`;
};

export const openFakeIssuer = (options: FakeIssuerOptions): FakeIssuer => {
  const cards = new Map<string, FakeCard>();
  const authorizations = new Map<string, Authorization>();
  const answered = new Map<string, { readonly request: string; readonly card: string }>();

  const cardBody = (card: FakeCard, expand: readonly string[]) => ({
    ...{ id: card.id, object: 'issuing.card', brand: 'Visa', cancellation_reason: null },
    cardholder: { id: card.cardholder, object: 'issuing.cardholder' },
    ...{ currency: card.currency, exp_month: card.expMonth, exp_year: card.expYear },
    ...{ last4: card.number.slice(-4), livemode: false, status: card.status, type: 'virtual' },
    spending_controls: { spending_limits: [{ amount: card.limit, interval: 'all_time' }] },
    lifecycle_controls: { cancel_after: { payment_count: card.payments } },
    ...(expand.includes('number') ? { number: card.number } : {}),
    ...(expand.includes('cvc') ? { cvc: card.cvc } : {}),
  });

  const make = async (request: Request): Promise<Response> => {
    const text = await bodyOf(request);
    const key = request.headers.get('idempotency-key');
    if (key === null || key.length > 255) return invalid('An idempotency key is needed.');
    const before = answered.get(key);
    const known = before === undefined ? undefined : cards.get(before.card);
    if (before !== undefined && before.request !== text) {
      return fault(400, 'idempotency_error', 'Keys may only be used with the same parameters.');
    }
    if (known !== undefined) {
      const headers = { 'idempotent-replayed': 'true' };
      return Response.json(cardBody(known, []), { headers });
    }
    const form = new URLSearchParams(text);
    const unknown = [...form.keys()].find((name) => !KNOWN.some((each) => each.test(name)));
    if (unknown !== undefined) return invalid(`Received unknown parameter: ${unknown}`);
    const limit = Number(form.get('spending_controls[spending_limits][0][amount]'));
    const payments = Number(form.get('lifecycle_controls[cancel_after][payment_count]'));
    const isComplete =
      form.get('type') === 'virtual' &&
      form.get('status') === 'active' &&
      /^ich_\w+$/.test(form.get('cardholder') ?? '') &&
      /^[a-z]{3}$/.test(form.get('currency') ?? '') &&
      form.get('spending_controls[spending_limits][0][interval]') === 'all_time' &&
      Number.isSafeInteger(limit) &&
      limit > 0 &&
      Number.isSafeInteger(payments) &&
      payments > 0;
    if (!isComplete) return invalid('A parameter is missing or not valid.');
    const card: FakeCard = {
      ...{ id: id('ic'), ...newNumbers(), limit, payments, status: 'active' },
      ...{ currency: form.get('currency') ?? '', cardholder: form.get('cardholder') ?? '' },
    };
    cards.set(card.id, card);
    answered.set(key, { request: text, card: card.id });
    return Response.json(cardBody(card, []));
  };

  const handle = async (request: Request): Promise<Response> => {
    const { pathname, searchParams } = new URL(request.url);
    if (request.headers.get('authorization') !== `Bearer ${options.key}`) {
      return fault(401, 'invalid_request_error', 'Invalid API Key provided.');
    }
    if (request.headers.get('stripe-version') !== VERSION)
      return invalid('Invalid Stripe-Version.');
    const { method } = request;
    if (method === 'POST' && pathname === '/v1/issuing/cards') return await make(request);
    if (method === 'GET' && pathname === '/v1/issuing/authorizations') {
      const data = [...authorizations.values()]
        .filter(({ card }) => card === searchParams.get('card'))
        .map(authorizationBody);
      return Response.json({ object: 'list', has_more: false, url: pathname, data });
    }
    const card = cards.get(/^\/v1\/issuing\/cards\/(\w+)$/.exec(pathname)?.[1] ?? '');
    if (card === undefined) return fault(404, 'invalid_request_error', 'No such issuing card.');
    if (method === 'GET') return Response.json(cardBody(card, searchParams.getAll('expand[]')));
    if ((await bodyOf(request)) !== 'status=canceled') return invalid('Only status may change.');
    if (card.status === 'canceled') return invalid('A canceled card cannot be updated.');
    card.status = 'canceled';
    return Response.json(cardBody(card, []));
  };

  const authorizationBody = ({ card, ...each }: Authorization) => {
    const found = cards.get(card);
    return {
      ...{ ...each, object: 'issuing.authorization', livemode: false, pending_request: null },
      ...{ status: each.approved ? 'pending' : 'closed' },
      card: found === undefined ? { id: card, object: 'issuing.card' } : cardBody(found, []),
    };
  };

  const send = async (type: string, object: unknown): Promise<Response | undefined> => {
    const now = Math.floor(Date.now() / 1000);
    const event = { id: id('evt'), object: 'event', api_version: VERSION, created: now, type };
    const body = JSON.stringify({ ...event, livemode: false, data: { object } });
    return await options.deliver(body, await signStripeEvent(body, options.webhookSecret, now));
  };

  const refusalOf = (card: FakeCard | undefined, of: Purchase): string | undefined => {
    if (card === undefined) return 'no_such_card';
    const own = [...authorizations.values()].filter(
      (each) => each.card === card.id && each.approved,
    );
    const spent = own.reduce((sum, { amount }) => sum + amount, 0);
    if (card.status !== 'active') return 'card_inactive';
    if (card.cvc !== of.cvc) return 'incorrect_cvc';
    if (card.expMonth !== of.expMonth || card.expYear !== of.expYear) return 'incorrect_expiry';
    if (card.currency !== of.currency) return 'other_currency';
    if (spent + of.amount > card.limit) return 'spending_controls';
    return own.length >= card.payments ? 'cancel_after' : undefined;
  };

  /** Asks the gateway to approve a higher amount on an authorization. @returns the reason if it declines */
  const askGateway = async (of: Authorization, amount: number): Promise<string | undefined> => {
    const pending = { amount, currency: of.currency, is_amount_controllable: false };
    const body = { ...authorizationBody(of), pending_request: pending };
    const response = await send('issuing_authorization.request', body);
    const verdict = response?.status === 200 ? ((await response.json()) as unknown) : undefined;
    const isApproved =
      response?.headers.get('stripe-version') === VERSION &&
      JSON.stringify(verdict) === '{"approved":true}';
    if (isApproved) return undefined;
    return response === undefined ? 'webhook_timeout' : 'webhook_declined';
  };

  /** A card cancelled by its payment count still accepts a raise of that payment: the merchant already has the authorization. */
  const raise: FakeIssuer['raise'] = async (authorization, amount, decidedBy) => {
    const before = authorizations.get(authorization);
    const limit = cards.get(before?.card ?? '')?.limit ?? 0;
    if (before?.approved !== true) return { approved: false, reason: 'no_such_authorization' };
    const asked = async () =>
      amount > limit ? 'spending_controls' : await askGateway(before, amount - before.amount);
    const reason = decidedBy === 'gateway' ? await asked() : undefined;
    const decided = reason === undefined ? { ...before, amount } : before;
    authorizations.set(authorization, decided);
    void send('issuing_authorization.updated', authorizationBody(decided)).catch(() => undefined);
    return reason === undefined ? { approved: true, authorization } : { approved: false, reason };
  };

  const authorize = async (of: Purchase): Promise<NetworkAnswer> => {
    const card = [...cards.values()].find(({ number }) => number === of.number);
    const refusal = refusalOf(card, of);
    if (card === undefined) return { approved: false, reason: refusal ?? '' };
    const { amount, currency } = of;
    const asked: Authorization = {
      id: id('iauth'),
      card: card.id,
      amount,
      currency,
      approved: false,
    };
    const reason = refusal ?? (await askGateway({ ...asked, amount: 0 }, amount));
    const decided = { ...asked, approved: reason === undefined };
    authorizations.set(decided.id, decided);
    const approved = [...authorizations.values()].filter(
      (each) => each.card === card.id && each.approved,
    );
    if (approved.length >= card.payments) card.status = 'canceled';
    void send('issuing_authorization.created', authorizationBody(decided)).catch(() => undefined);
    return reason === undefined
      ? { approved: true, authorization: decided.id }
      : { approved: false, reason };
  };

  return {
    ...{ handle, authorize, raise },
    cards: () => [...cards.values()],
    authorizations: () => [...authorizations.values()],
    redeliver: async (authorization) => {
      const found = authorizations.get(authorization);
      if (found === undefined) throw new Error(`no authorization ${authorization}`);
      const type = 'issuing_authorization.created';
      return (await send(type, authorizationBody(found)))?.status ?? 0;
    },
  };
};
