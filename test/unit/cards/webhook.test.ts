import { beforeEach, describe, expect, it, vi } from 'vitest';
import { signStripeEvent } from '../../../dev/cards/fake-issuer.ts';
import { openCardTable } from '../../../src/cards/card-table.ts';
import { takeCardEvent } from '../../../src/cards/webhook.ts';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { callOf, WEBHOOK } from './world.ts';

beforeEach(async () => {
  await freshDatabase();
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});

const table = openCardTable(db);
const now = () => Math.floor(Date.now() / 1000);

/** Opens a card of $20.00. */
const openCard = async (card = 'ic_1') => {
  const { id: call, account } = callOf();
  const row = { call, account, tool: 'shop', secret: 'issuer', request: 'a=b', currency: 'usd' };
  await table.insert({ ...row, cap: 2_000, until: now() + 60 }, now());
  await table.open(call, card);
  return call;
};

type Authorization = {
  readonly id?: string;
  readonly card?: string;
  readonly amount: number;
  readonly currency?: string;
  readonly before?: number;
  readonly approved?: boolean;
};

const eventOf = (type: 'request' | 'created' | 'updated', of: Authorization): string => {
  const { id = 'iauth_1', card = 'ic_1', amount, currency = 'usd', before = 0, approved } = of;
  const pending = type === 'request' ? { amount, currency, is_amount_controllable: false } : null;
  const object = {
    ...{
      id,
      object: 'issuing.authorization',
      card: { id: card, object: 'issuing.card' },
      currency,
    },
    ...{ amount: type === 'request' ? before : amount, approved: approved ?? type !== 'request' },
    pending_request: pending,
  };
  const event = { id: 'evt_1', object: 'event', type: `issuing_authorization.${type}` };
  return JSON.stringify({ ...event, api_version: '2026-03-25.dahlia', data: { object } });
};

const take = async (
  body: string,
  {
    signature,
    env = { CARD_WEBHOOK_SECRET: WEBHOOK },
    database = db,
    alerts = [] as AlertBody[],
  }: {
    readonly signature?: string;
    readonly env?: object;
    readonly database?: D1Database;
    readonly alerts?: AlertBody[];
  } = {},
) => {
  const headers = {
    'stripe-signature': signature ?? (await signStripeEvent(body, WEBHOOK, now())),
  };
  const request = new Request('https://gw.example/webhooks/cards/stripe', {
    ...{ method: 'POST', headers, body },
  });
  const raise = async (alert: AlertBody) => alerts.push(alert) > 0;
  return await takeCardEvent({ db: database, env, raise }, request);
};

const decide = async (of: Authorization) => await (await take(eventOf('request', of))).json();
const APPROVED = { approved: true };
const DECLINED = { approved: false };

describe('a payment that the issuer asks about', () => {
  it('is approved within the held amount, in the form of the issuer', async () => {
    const call = await openCard();
    const answer = await take(eventOf('request', { amount: 2_000 }));
    expect([answer.status, answer.headers.get('stripe-version'), await answer.text()]).toEqual([
      ...[200, '2026-03-25.dahlia', '{"approved":true}'],
    ]);
    expect(await table.byCall(call)).toMatchObject({ state: 'charged', charged: 2_000 });
  });

  it('is declined one cent above it', async () => {
    const call = await openCard();
    expect(await decide({ amount: 2_001 })).toEqual(DECLINED);
    expect(await table.byCall(call)).toMatchObject({ state: 'open', charged: 0 });
  });

  it('counts what was approved before', async () => {
    await openCard();
    expect(await decide({ amount: 1_500 })).toEqual(APPROVED);
    expect(await decide({ amount: 500, before: 1_500 })).toEqual(APPROVED);
    expect(await decide({ amount: 501, before: 1_500 })).toEqual(DECLINED);
  });

  it('gets the same decision again when it is delivered twice', async () => {
    await openCard();
    expect(await decide({ amount: 1_850 })).toEqual(APPROVED);
    expect(await decide({ amount: 1_850 })).toEqual(APPROVED);
  });

  it('is declined if the card has paid, also at the same time', async () => {
    await openCard();
    const both = await Promise.all([
      decide({ id: 'iauth_1', amount: 100 }),
      decide({ id: 'iauth_2', amount: 100 }),
    ]);
    expect(both.filter((each) => JSON.stringify(each) === JSON.stringify(APPROVED)).length).toBe(1);
  });

  it('is declined on an unknown card, in another currency, and of nothing', async () => {
    await openCard();
    expect(await decide({ card: 'ic_other', amount: 100 })).toEqual(DECLINED);
    expect(await decide({ amount: 100, currency: 'eur' })).toEqual(DECLINED);
    expect(await decide({ amount: 0 })).toEqual(DECLINED);
  });

  it('is declined once the call has let go of the card', async () => {
    const call = await openCard();
    expect(await table.close(call, 'ic_1')).toBe(true);
    expect(await decide({ amount: 100 })).toEqual(DECLINED);
    await table.closed(call);
    expect(await decide({ amount: 100 })).toEqual(DECLINED);
  });

  it('keeps the call from letting go once it is approved', async () => {
    const call = await openCard();
    expect(await decide({ amount: 100 })).toEqual(APPROVED);
    expect(await table.close(call, 'ic_1')).toBe(false);
  });

  it('is declined if it raises a payment that the call was charged for', async () => {
    const call = await openCard();
    expect(await decide({ amount: 100 })).toEqual(APPROVED);
    expect(await table.seal(call)).toBe(100);
    expect(await decide({ amount: 1_900, before: 100 })).toEqual(DECLINED);
    expect(await decide({ amount: 100 })).toEqual(APPROVED);
    expect(await table.byCall(call)).toMatchObject({ state: 'sealed', charged: 100 });
  });

  it('is declined while the database does not answer', async () => {
    await openCard();
    const away = new Proxy(db, {
      get: () => () => {
        throw new Error('away');
      },
    });
    const answer = await take(eventOf('request', { amount: 100 }), { database: away });
    expect([answer.status, await answer.json()]).toEqual([200, DECLINED]);
  });
});

describe('a payment that the issuer reports', () => {
  const report = async (of: Authorization, type: 'created' | 'updated' = 'created') => {
    const alerts: AlertBody[] = [];
    const answer = await take(eventOf(type, of), { alerts });
    expect(answer.status).toBe(200);
    return alerts.map(({ rule, detail }) => [rule, detail['kind'], detail['amount']]);
  };

  it('counts as the outcome, once', async () => {
    const call = await openCard();
    expect(await report({ amount: 1_850 })).toEqual([]);
    expect(await report({ amount: 1_850 })).toEqual([]);
    expect(await table.byCall(call)).toMatchObject({ state: 'charged', charged: 1_850 });
  });

  it('changes nothing if it was declined', async () => {
    const call = await openCard();
    expect(await report({ amount: 1_850, approved: false })).toEqual([]);
    expect(await table.byCall(call)).toMatchObject({ state: 'open' });
  });

  it('is an alert after the amount was released', async () => {
    const call = await openCard();
    await table.close(call, 'ic_1');
    await table.closed(call);
    expect(await report({ amount: 1_850 })).toEqual([
      ['card_charged', 'after_release', '18500000'],
    ]);
    expect(await table.byCall(call)).toMatchObject({ state: 'sealed', charged: 1_850 });
    expect(await report({ amount: 1_850 })).toEqual([]);
    expect(await decide({ amount: 150, before: 1_850 })).toEqual(DECLINED);
  });

  it.each([
    [{ amount: 2_001 }, 'above_hold'],
    [{ amount: 1, currency: 'eur' }, 'above_hold'],
    [{ amount: 1, card: 'ic_other' }, 'unknown_card'],
  ])('is an alert if no call expects it: %#', async (of, kind) => {
    await openCard();
    expect((await report(of)).map(([, of_]) => of_)).toEqual([kind]);
  });

  it('is an alert if it is the second', async () => {
    await openCard();
    await report({ amount: 100 });
    expect((await report({ amount: 100, id: 'iauth_2' })).map(([, kind]) => kind)).toEqual([
      'second_payment',
    ]);
  });

  it('counts with its raise while the call runs, and above the hold with an alert', async () => {
    const call = await openCard();
    await report({ amount: 100 });
    expect(await report({ amount: 1_850 }, 'updated')).toEqual([]);
    // The event arrives late: the issuer sends events in any order.
    expect(await report({ amount: 100 })).toEqual([]);
    expect(await table.byCall(call)).toMatchObject({ state: 'charged', charged: 1_850 });
    expect(await report({ amount: 2_500 }, 'updated')).toEqual([
      ['card_charged', 'above_hold', '25000000'],
    ]);
  });

  it('is an alert if it was raised after the call was charged, once', async () => {
    const call = await openCard();
    await report({ amount: 100 });
    expect(await table.seal(call)).toBe(100);
    expect(await report({ amount: 100 }, 'updated')).toEqual([]);
    expect(await report({ amount: 2_000 }, 'updated')).toEqual([
      ['card_charged', 'raised_after_end', '20000000'],
    ]);
    expect(await report({ amount: 2_000 }, 'updated')).toEqual([]);
  });

  it('is sent again if the gateway cannot record it', async () => {
    await openCard();
    const away = new Proxy(db, {
      get: () => () => {
        throw new Error('away');
      },
    });
    expect((await take(eventOf('created', { amount: 1 }), { database: away })).status).toBe(503);
  });
});

describe('an event', () => {
  const body = eventOf('request', { amount: 100 });

  it.each([
    ['of another secret', async () => await signStripeEvent(body, 'whsec_other', now())],
    ['of another body', async () => await signStripeEvent(`${body} `, WEBHOOK, now())],
    ['of six minutes ago', async () => await signStripeEvent(body, WEBHOOK, now() - 360)],
    ['without a signature', async () => ''],
  ])('%s is refused and changes nothing', async (_, signature) => {
    const call = await openCard();
    expect((await take(body, { signature: await signature() })).status).toBe(400);
    expect(await table.byCall(call)).toMatchObject({ state: 'open' });
  });

  it('is 404 without a secret, and a signature with no secret proves nothing', async () => {
    const signature = await signStripeEvent(body, '', now()).catch(() => '');
    expect((await take(body, { env: {}, signature })).status).toBe(404);
  });

  it('may come from the Secrets Store', async () => {
    await openCard();
    const env = { CARD_WEBHOOK_SECRET: { get: async () => WEBHOOK } };
    expect(await (await take(body, { env })).json()).toEqual(APPROVED);
  });

  it('is refused above 256 KiB, before its signature is computed', async () => {
    expect((await take(' '.repeat(256 * 1_024 + 1))).status).toBe(413);
  });
});
