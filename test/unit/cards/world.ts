import { openDemoMerchant, type DemoMerchant } from '../../../dev/cards/demo-merchant.ts';
import { type FakeIssuer, openFakeIssuer } from '../../../dev/cards/fake-issuer.ts';
import type { CardCall } from '../../../src/cards/card-call.ts';
import { type CardTable, openCardTable } from '../../../src/cards/card-table.ts';
import type { IssuingCard } from '../../../src/cards/card-terms.ts';
import { openIssuing } from '../../../src/cards/issuing.ts';
import { type Issuer, openIssuer } from '../../../src/cards/stripe-card.ts';
import { takeCardEvent } from '../../../src/cards/webhook.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import { db } from '../audit/database.ts';
import { toolOf } from '../gateway/fixture.ts';

export const KEY = 'sk_test_0123456789abcdef';
export const WEBHOOK = 'whsec_0123456789abcdef';
export const SHOP = 'https://shop.example/orders';
export const ORIGIN = 'https://api.stripe.com';

export const CARD: IssuingCard = {
  ...{ way: 'issuing', issuer: 'stripe', key: 'issuer', cardholder: 'ich_1Owner' },
  places: [
    { in: 'json', pointer: '/card/number', part: 'number' },
    { in: 'json', pointer: '/card/cvc', part: 'cvc' },
    { in: 'json', pointer: '/card/exp_month', part: 'exp_month' },
    { in: 'json', pointer: '/card/exp_year', part: 'exp_year' },
  ],
  answer: ['/id', '/status', '/amount'],
};

let calls = 0;
export const callOf = (changes: Partial<CardCall> = {}): CardCall => {
  calls += 1;
  return {
    id: `0x${calls.toString(16).padStart(64, '0')}` as Hex,
    account: `eip155:84532:0x${'22'.repeat(20)}`,
    ...{ price: 20_000_000n, asset: 'iso4217:USD', timeoutSeconds: 5 },
    ...changes,
  };
};

/** Intercepts a request to the issuer. It may fail the request before or after the request takes effect. */
export type Intercept = (
  path: string,
  method: string,
  send: () => Promise<Response>,
) => Promise<Response>;

export type CardWorld = {
  readonly issuer: FakeIssuer;
  readonly merchant: DemoMerchant;
  readonly table: CardTable;
  readonly alerts: AlertBody[];
  /** Sends an order, as a call whose amount is held. */
  readonly buy: (order: object | string, call?: CardCall, changes?: Changes) => Promise<Response>;
  readonly api: (intercept?: Intercept) => Issuer;
  /** Waits for the background work of a call. */
  readonly settle: () => Promise<void>;
};

type Changes = {
  readonly card?: IssuingCard;
  readonly intercept?: Intercept;
  readonly table?: CardTable;
  readonly merchant?: (request: Request) => Promise<Response>;
  readonly signal?: AbortSignal;
};

/** The fakes of one test. With `webhooks: false` the gateway receives no authorizations, and the issuer approves by itself. */
export const openCardWorld = ({
  webhooks = true,
}: { readonly webhooks?: boolean } = {}): CardWorld => {
  const alerts: AlertBody[] = [];
  const delivered: Promise<unknown>[] = [];
  const deps = {
    ...{ db, env: { CARD_WEBHOOK_SECRET: WEBHOOK } },
    raise: async (alert: AlertBody) => alerts.push(alert) > 0,
  };
  const issuer = openFakeIssuer({
    ...{ key: KEY, webhookSecret: WEBHOOK },
    deliver: async (body, signature) => {
      if (!webhooks) {
        return Response.json(
          { approved: true },
          { headers: { 'stripe-version': '2026-03-25.dahlia' } },
        );
      }
      const headers = { 'stripe-signature': signature };
      const request = new Request('https://gw.example/webhooks/cards/stripe', {
        ...{ method: 'POST', headers, body },
      });
      const taken = takeCardEvent(deps, request);
      delivered.push(taken);
      return await taken;
    },
  });
  const merchant = openDemoMerchant(issuer.authorize);
  const table = openCardTable(db);
  const api = (intercept?: Intercept): Issuer =>
    openIssuer(
      {
        fetch: async (url, init) => {
          const headers = new Headers(init.headers);
          headers.set('authorization', `Bearer ${KEY}`);
          const send = async () => await issuer.handle(new Request(url, { ...init, headers }));
          const { pathname, search } = new URL(url);
          return intercept === undefined
            ? await send()
            : await intercept(pathname + search, init.method ?? 'GET', send);
        },
      },
      ORIGIN,
    );
  const buy: CardWorld['buy'] = async (order, call = callOf(), changes = {}) => {
    const serve = changes.merchant ?? merchant.handle;
    const issuing = {
      tool: toolOf({ id: 'shop', method: 'POST', path: '/tools/shop', upstream: SHOP }),
      ...{ card: changes.card ?? CARD, issuer: api(changes.intercept) },
      table: changes.table ?? table,
      merchant: {
        fetch: async (url: string, init: RequestInit) => {
          const answer = serve(new Request(url, init));
          const { signal } = init;
          if (!signal) return await answer;
          const aborted = new Promise<never>((_, reject) => {
            signal.addEventListener('abort', () => reject(new Error('aborted')));
          });
          return await Promise.race([answer, aborted]);
        },
      },
    };
    return await openIssuing(issuing, call).fetch(SHOP, {
      method: 'POST',
      headers: {
        'content-type': changes.card?.places.some((place) => place.in === 'form')
          ? 'application/x-www-form-urlencoded'
          : 'application/json',
      },
      body: new TextEncoder().encode(typeof order === 'string' ? order : JSON.stringify(order)),
      ...(changes.signal === undefined ? {} : { signal: changes.signal }),
    });
  };
  return {
    ...{ issuer, merchant, table, alerts, buy, api },
    settle: async () => {
      await Promise.resolve();
      await Promise.all(delivered);
    },
  };
};

/** The charge that an answer reports, in millionths. */
export const chargeOf = (response: Response): unknown =>
  JSON.parse(response.headers.get('settlement-overrides') ?? 'null');

/** Every stored byte of the table, as text. */
export const dumpOfCards = async (): Promise<string> =>
  JSON.stringify((await db.prepare('SELECT * FROM cards').all()).results);
