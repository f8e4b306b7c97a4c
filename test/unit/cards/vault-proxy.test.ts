import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openDemoMerchant, TRICKS } from '../../../dev/cards/demo-merchant.ts';
import { openFakeCardVault } from '../../../dev/cards/fake-card-vault.ts';
import { openCard } from '../../../src/cards/open-card.ts';
import type { Tool } from '../../../src/catalog/tool.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { toolOf } from '../gateway/fixture.ts';
import { OWNER, sealedOf, secretOf, store } from '../vault/sealed.ts';
import { callOf, chargeOf, SHOP } from './world.ts';

const KEY = 'key_test_us_0123456789';
const TOKEN = 'd2cbc1b4-5c3a-45a3-9ee2-392a1c475ab4';
const NUMBER = '4242424242424242';
const COMPANY_CARD = { number: NUMBER, cvc: '737', expiration_month: 4, expiration_year: 2030 };
const HOST = 'api.basistheory.com';

/** Evaluates to the card's number backwards, so that the answer contains nothing that looks like a card. */
const TURNED_ROUND =
  "{{ proxy.request.body | json: '$.card.number' | split: '' | reverse | join: '' }}";

const place = (part: string) => ({ in: 'json', pointer: `/card/${part}`, part });
const TOOL: Tool = toolOf({
  ...{ id: 'shop', method: 'POST', path: '/tools/shop', upstream: SHOP },
  card: {
    ...{ way: 'vault-proxy', vault: 'basis-theory', key: 'bt-key', token: 'company-card' },
    places: ['number', 'cvc', 'exp_month', 'exp_year'].map(place),
    answer: ['/id', '/status', '/amount'],
  },
});

afterEach(() => vi.unstubAllGlobals());

beforeEach(async () => {
  await freshDatabase();
  await store(await sealedOf({ name: 'bt-key', host: HOST }, KEY), 1);
  await store(await sealedOf({ name: 'company-card', host: HOST }, TOKEN), 2);
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});

/** Buys through the fake vault. `sent`: the gateway's requests. */
const buy = async (
  order: object | string,
  {
    decline = false,
    answer,
    tool = TOOL,
    headers = {},
  }: {
    readonly decline?: boolean;
    readonly answer?: () => Response;
    readonly tool?: Tool;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
) => {
  const sent: { readonly url: string; readonly headers: Headers; readonly body: string }[] = [];
  const merchant = openDemoMerchant(async () =>
    decline
      ? { approved: false, reason: 'insufficient_funds' }
      : { approved: true, authorization: 'a_1' },
  );
  const vault = openFakeCardVault({
    ...{ key: KEY, tokens: { [TOKEN]: COMPANY_CARD } },
    forward: async (request) => answer?.() ?? (await merchant.handle(request)),
  });
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const request = new Request(url, init);
    sent.push({ url, headers: request.headers, body: await request.clone().text() });
    return await vault(request);
  });
  const deps = {
    ...{ db, env: { VAULT_KEY: secretOf(1) }, owner: OWNER, upstreamUrl: undefined },
    ...{ reach: 'public' as const, raise: async () => true, waitUntil: () => undefined },
  };
  const opened = await openCard(deps, tool);
  if (!opened.ok) throw new Error(opened.error.reason);
  const call = callOf();
  const bought = opened.value(call).fetch(SHOP, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
    body: new TextEncoder().encode(typeof order === 'string' ? order : JSON.stringify(order)),
  });
  return { answer: await bought, sent, merchant, call };
};

describe('a purchase through a card vault', () => {
  it('sends expressions and no card, in exactly this form', async () => {
    const { answer, sent, merchant, call } = await buy({ item: 'book' });
    expect([answer.status, chargeOf(answer)]).toEqual([200, { amount: '20000000' }]);
    expect(await answer.json()).toMatchObject({ status: 'paid', amount: 1_850 });
    expect(sent.map(({ url, body }) => [url, JSON.parse(body) as unknown])).toEqual([
      [
        'https://api.basistheory.com/proxy',
        {
          item: 'book',
          card: {
            number: `{{ token: ${TOKEN} | json: '$.number' }}`,
            cvc: `{{ token: ${TOKEN} | json: '$.cvc' }}`,
            exp_month: `{{ token: ${TOKEN} | json: '$.expiration_month' }}`,
            exp_year: `{{ token: ${TOKEN} | json: '$.expiration_year' }}`,
          },
        },
      ],
    ]);
    expect(Object.fromEntries(sent[0]?.headers ?? [])).toEqual({
      ...{ 'accept-encoding': 'identity', 'bt-api-key': KEY, 'bt-proxy-url': SHOP },
      ...{ 'content-type': 'application/json', 'idempotency-key': `countersign-${call.id}` },
    });
    expect(merchant.seen()).toMatchObject([{ number: NUMBER, cvc: '737' }]);
  });

  it.each(TRICKS.filter((trick) => !/silent|split|base64|redirect|fail/.test(trick)))(
    'gives no card back by %s',
    async (trick) => {
      for (const decline of [false, true]) {
        const { answer } = await buy({ item: 'book', trick }, { decline });
        const shown = `${answer.statusText} ${JSON.stringify([...answer.headers])}`;
        const body = await answer.text();
        expect(`${shown}${body}`.replace(/\D/g, '')).not.toContain(NUMBER);
        expect(`${shown}${body}`).not.toContain(TOKEN);
      }
    },
  );

  it('charges nothing for a declined card', async () => {
    const { answer } = await buy({ item: 'book' }, { decline: true });
    expect(answer.status).toBe(422);
  });

  it.each([302, 408, 409, 500, 502, 504])('keeps the amount after a %i', async (status) => {
    await expect(
      buy({ item: 'book' }, { answer: () => new Response('{}', { status }) }),
    ).rejects.toThrow('what was charged is unknown');
  });

  it.each([
    { item: `{{ token: ${TOKEN} | json: '$.number' }}` },
    { item: 'x', note: [{ deep: '{% raw %}' }] },
    '{"item":"\\u007b\\u007b x }}"}',
    '{"{\\u007b x }}":1}',
  ])('sends no expression of the caller: %#', async (order) => {
    const { answer, sent } = await buy(order);
    expect([answer.status, sent.length]).toEqual([400, 0]);
  });

  it.each([
    ['user-agent', TURNED_ROUND],
    ['accept-language', TURNED_ROUND],
    ['traceparent', '{% assign n = 1 %}'],
    ['x-tenant', 'a{# b #}'],
    ['content-type', `application/json; note="${TURNED_ROUND}"`],
    // UTF-7 writes `{{` as `+AHsAew-`.
    ['content-type', 'application/json; charset=utf-7'],
    ['content-type', 'application/json; charset="utf-16"'],
  ])('sends no expression in %s: %s', async (name, value) => {
    const { answer, sent } = await buy(
      { item: 'book', trick: 'reflect' },
      { headers: { [name]: value } },
    );
    // Check the body first, so that a failure shows it.
    expect(await answer.json()).toMatchObject({
      field: name,
      detail: expect.stringContaining(`${name} must`),
    });
    expect([answer.status, sent.length]).toEqual([400, 0]);
  });

  it.each(['application/json; charset=utf-8', 'application/json; charset="UTF-8"; v=1'])(
    'sends %s',
    async (type) => {
      const { answer, sent } = await buy({ item: 'book' }, { headers: { 'content-type': type } });
      expect([answer.status, sent[0]?.headers.get('content-type')]).toEqual([200, type]);
    },
  );

  it('sends no header of the caller to the vault', async () => {
    const { sent } = await buy(
      { item: 'book' },
      { headers: { 'BT-Proxy-Key': 'x', 'BT-Trace': 'y' } },
    );
    expect([...(sent[0]?.headers.keys() ?? [])].filter((name) => name.startsWith('bt-'))).toEqual([
      ...['bt-api-key', 'bt-proxy-url'],
    ]);
  });

  it('cannot be opened with a secret that is missing or bound to another host', async () => {
    const { card } = TOOL;
    await expect(buy({}, { tool: { ...TOOL, card: { ...card, token: 'none' } } })).rejects.toThrow(
      'secret_unavailable',
    );
    await store(await sealedOf({ name: 'elsewhere', host: 'api.example' }, KEY), 3);
    await expect(
      buy({}, { tool: { ...TOOL, card: { ...card, key: 'elsewhere' } } }),
    ).rejects.toThrow('secret_unavailable');
  });
});
