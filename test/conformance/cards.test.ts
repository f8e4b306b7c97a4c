import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Trick } from '../../dev/cards/demo-merchant.ts';
import { BUYER, COMPANY_CARD } from '../../dev/stack/cards.ts';
import { USD_ADDRESS } from '../../src/protocol/fiat-asset.ts';
import { plantedSettings } from '../support/planted-settings.ts';
import {
  CVC,
  mustSearch,
  type Planted,
  plantCard,
  plantKey,
  plantText,
  scanState,
  tracesIn,
} from '../support/secret-scan.ts';
import { accountOf } from './support/credit.ts';
import { expectProblem } from './support/expect-answer.ts';
import { agentIntent, retryKey, sentRetrySecrets, signIntent } from './support/intent.ts';
import { kindOf } from './support/offer.ts';
import { post, useWorld } from './support/world.ts';

const world = useWorld({ cards: true });
const buyer = privateKeyToAccount(BUYER.privateKey);
const stranger = privateKeyToAccount(`0x${'5e'.repeat(32)}`);
const cards = () => {
  const { cards: services } = world().stack;
  if (services === undefined) throw new Error('no cards');
  return services;
};

type Bought = {
  readonly answer: Response;
  readonly again: () => Promise<Response>;
};

/** Signs an intent in dollars and sends an order. `again` repeats the request with its retry key. */
const buy = async (
  tool: 'bookshop' | 'stationer',
  order: { readonly item: string; readonly trick?: Trick; readonly note?: string },
  by = buyer,
): Promise<Bought> => {
  const call = post(`/tools/${tool}`, order);
  const signed = await signIntent(world(), by, call, {
    ...{ tool, payTo: world().payTo.toLowerCase() as `0x${string}`, asset: USD_ADDRESS },
    maxAmount: 20_000_000n,
  });
  const headers = { ...agentIntent(signed), ...retryKey(signed.intent) };
  return {
    answer: await world().send(call, headers),
    again: async () => await world().send(call, headers),
  };
};

/** The buyer's charges in dollars, read from the log. */
const charges = async () =>
  (await world().audit.entries(accountOf(buyer.address)))
    .filter(({ amounts }) => amounts?.['charged'] !== undefined)
    .map(({ decision, amounts }) => [decision, amounts?.['charged']]);

beforeAll(async () => {
  // An isolate may take 5 s to see a new tool.
  await vi.waitFor(async () => {
    for (const path of ['/tools/bookshop', '/tools/stationer']) {
      const { status } = await world().send({ path, method: 'POST' });
      if (status !== 401) throw new Error(`the new tool answers ${status}`);
    }
  }, 30_000);
});

/** Plants the number of every card, and any CVC. */
const plantedCards = (): readonly Planted[] => [
  plantCard("the operator's card", COMPANY_CARD.number),
  ...cards()
    .issuer.cards()
    .map(({ number }, index) => plantCard(`card ${index}`, number)),
  CVC,
];
const found = (shown: string) => tracesIn(plantedCards(), shown);

describe('an agent with a budget in dollars', () => {
  it('buys with a card that it never sees, and gets the same answer again', async () => {
    const { answer, again } = await buy('bookshop', { item: 'book' });
    const body = await answer.text();
    expect([answer.status, JSON.parse(body)]).toEqual([
      200,
      { id: expect.stringMatching(/^ord_/) as string, status: 'paid', amount: 1_850 },
    ]);
    const repeated = await again();
    expect([repeated.status, await repeated.text()]).toEqual([200, body]);
    expect(cards().merchant.charges()).toEqual([1_850]);
    expect(cards().issuer.cards()).toMatchObject([{ limit: 2_000, payments: 1 }]);
  });

  it('buys with the card of a vault', async () => {
    const { answer } = await buy('stationer', { item: 'pen' });
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { status: 'paid', amount: 350 },
    ]);
    expect(cards().merchant.seen().at(-1)?.number).toBe(COMPANY_CARD.number);
  });

  it('cannot read a token of the vault by an expression of its own', async () => {
    const orders = cards().merchant.seen().length;
    const note = "{{ token: company-card | json: '$.number' }}";
    const { answer } = await buy('stationer', { item: 'pen', note });
    expect(answer.status).toBe(400);
    expect(cards().merchant.seen().length).toBe(orders);
  });

  it('pays nothing for an order that the issuer declines', async () => {
    const { answer } = await buy('bookshop', { item: 'lamp' });
    expect([answer.status, await answer.json()]).toEqual([
      ...[422, { id: 'ord_1', status: 'declined', card: 'cancelled' }],
    ]);
  });

  it.each(['id', 'grouped', 'headers', 'error', 'chunks', 'base64', 'members'] as const)(
    'cannot read the card by %s',
    async (trick) => {
      // The issuer declined this charge, so the budget is unchanged.
      const { answer } = await buy('bookshop', { item: 'lamp', trick });
      const shown = `${answer.statusText} ${JSON.stringify([...answer.headers])} ${await answer.text()}`;
      expect(found(shown)).toEqual([]);
    },
  );

  it('is charged for a card that a silent merchant has charged', async () => {
    const { answer } = await buy('bookshop', { item: 'pen', trick: 'silent_after_charge' });
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { card: 'charged', answer: 'lost' },
    ]);
  });

  it('is refused above it, and a stranger altogether', async () => {
    // $18.50, $3.50 and $3.50 of the $50.00 are spent.
    expect((await buy('bookshop', { item: 'book' })).answer.status).toBe(200);
    const before = cards().issuer.cards().length;
    const refused = await expectProblem((await buy('bookshop', { item: 'pen' })).answer, 429);
    expect(refused).toMatchObject({ rule: 'window', spent: '44000000' });
    const unknown = await expectProblem(
      (await buy('bookshop', { item: 'book' }, stranger)).answer,
      403,
    );
    expect(kindOf(unknown)).toBe('denied');
    expect(cards().issuer.cards().length).toBe(before);
  });

  it('is charged exactly that, by the log', async () => {
    await vi.waitFor(async () => {
      expect((await charges()).filter(([, charged]) => charged !== '0')).toEqual([
        ['committed', '18500000'],
        ['committed', '3500000'],
        ['committed', '3500000'],
        ['committed', '18500000'],
      ]);
    }, 30_000);
  });
});

it('declines a merchant that raises its payment after the call has ended', async () => {
  const [paid] = cards()
    .issuer.authorizations()
    .filter(({ approved, amount }) => approved && amount === 350);
  const raised = await cards().issuer.raise(paid?.id ?? '', 2_000, 'gateway');
  expect(raised).toEqual({ approved: false, reason: 'webhook_declined' });
});

describe('the gateway', () => {
  it('refuses an event that the issuer did not sign', async () => {
    const headers = {
      'stripe-signature': `t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}`,
    };
    const call = post('/webhooks/cards/stripe', { id: 'evt_1', object: 'event' });
    await expectProblem(await world().send(call, headers), 400);
  });

  it('has no card, secret, retry secret or key in a database, an object or a log after all of this', async () => {
    expect(cards().issuer.cards().length).toBeGreaterThan(8);
    const { directory } = world();
    const planted = [
      ...plantedCards(),
      ...Object.entries(cards().secrets).map(([name, { value }]) => plantText(name, value)),
      ...sentRetrySecrets().map((secret) => plantKey('a retry secret', secret)),
      ...(await plantedSettings(directory)),
    ];
    const names = new Set(planted.map(({ name }) => name));
    const expected = ['issuer', 'card-vault', 'company-card', 'a retry secret'];
    const settings = ['VAULT_KEY', 'RECEIPT_KEY', 'LOG_KEY', 'CARD_WEBHOOK_SECRET'];
    expect([...names]).toEqual(expect.arrayContaining([...expected, ...settings]));
    expect(await scanState(directory, planted)).toEqual([]);
    await mustSearch(directory, buyer.address.toLowerCase().slice(2));
  });
});
