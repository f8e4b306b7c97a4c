import { beforeEach, describe, expect, it, vi } from 'vitest';
import { TRICKS } from '../../../dev/cards/demo-merchant.ts';
import type { IssuingCard } from '../../../src/cards/card-terms.ts';
import { writtenForms } from '../../../dev/written-forms.ts';
import { freshDatabase } from '../audit/database.ts';
import { callOf, CARD, chargeOf, dumpOfCards, openCardWorld } from './world.ts';

beforeEach(async () => {
  await freshDatabase();
  vi.restoreAllMocks();
});

/** The forms in which a text contains a card of the world: its number in any grouping, or its CVC as a value. */
const foundIn = (text: string, world: ReturnType<typeof openCardWorld>): readonly string[] =>
  world.issuer.cards().flatMap(({ number, cvc }) => {
    const digits = text.replace(/\D/g, '');
    const forms = writtenForms(number).filter((form) => text.toLowerCase().includes(form));
    return [
      ...forms,
      ...(digits.includes(number) ? [number] : []),
      ...(text.includes(`"${cvc}"`) ? [cvc] : []),
    ];
  });

describe('a purchase with a one-time card', () => {
  it('charges what the issuer approved, and shows the allowed members alone', async () => {
    const world = openCardWorld();
    const answer = await world.buy({ item: 'book' });
    expect(answer.status).toBe(200);
    expect(chargeOf(answer)).toEqual({ amount: '18500000' });
    expect(await answer.json()).toEqual({
      id: expect.stringMatching(/^ord_/) as string,
      status: 'paid',
      amount: 1_850,
    });
    await world.settle();
    expect(world.issuer.cards()).toMatchObject([{ limit: 2_000, payments: 1, status: 'canceled' }]);
    expect(world.alerts).toEqual([]);
  });

  it('sends the card to the places of the tool, whatever the caller wrote there', async () => {
    const world = openCardWorld();
    await world.buy({ item: 'book', card: { number: '1', cvc: '2', extra: 'kept' } });
    const [card] = world.issuer.cards();
    expect(world.merchant.seen()).toEqual([
      { number: card?.number, cvc: card?.cvc, exp_month: '04', exp_year: String(card?.expYear) },
    ]);
  });

  it('fills in a form', async () => {
    const world = openCardWorld();
    const card: IssuingCard = {
      ...CARD,
      places: CARD.places.map(({ part }) => ({ in: 'form', name: `card[${part}]`, part })),
    };
    const answer = await world.buy('item=book&card%5Bcvc%5D=1', callOf(), { card });
    expect(answer.status).toBe(200);
    const [made] = world.issuer.cards();
    expect(world.merchant.seen()).toMatchObject([{ number: made?.number, cvc: made?.cvc }]);
  });

  it('makes no card for a body that cannot carry one', async () => {
    const world = openCardWorld();
    for (const order of ['item=book', '[1]', { card: 'none' }]) {
      const text = typeof order === 'string' ? order : JSON.stringify(order);
      const answer = await world.buy(text, callOf());
      expect(answer.status).toBe(400);
    }
    expect(world.issuer.cards()).toEqual([]);
  });

  it('is declined above the held amount, and releases it', async () => {
    const world = openCardWorld();
    const answer = await world.buy({ item: 'lamp' });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ status: 'declined', card: 'cancelled' });
    expect(world.merchant.charges()).toEqual([]);
    expect(world.issuer.cards()).toMatchObject([{ status: 'canceled' }]);
  });

  it('rounds the cap down to cents', async () => {
    const world = openCardWorld();
    await world.buy({ item: 'book' }, callOf({ price: 18_509_999n }));
    expect(world.issuer.cards()).toMatchObject([{ limit: 1_850 }]);
    const tiny = await world.buy({ item: 'book' }, callOf({ price: 9_999n }));
    expect([tiny.status, world.issuer.cards().length]).toEqual([424, 1]);
  });

  it('approves one payment only', async () => {
    const world = openCardWorld();
    await world.buy({ item: 'pen', trick: 'twice' });
    expect(world.merchant.charges()).toEqual([350]);
  });

  it('makes no second card for a call that has one', async () => {
    const world = openCardWorld();
    const call = callOf();
    await world.buy({ item: 'pen' }, call);
    const again = await world.buy({ item: 'pen' }, call);
    expect(again.status).toBe(424);
    expect([world.issuer.cards().length, world.merchant.charges().length]).toEqual([1, 1]);
  });

  it('takes no query', async () => {
    const world = openCardWorld();
    const checked = await import('../../../src/cards/card-call.ts');
    const draft = checked.draftOf(callOf(), 'https://shop.example/orders?to=elsewhere', {});
    const answer = await checked.checkPlaces(draft, CARD);
    expect(answer.ok).toBe(false);
    expect(world.issuer.cards()).toEqual([]);
  });
});

describe('a merchant that raises its payment', () => {
  const raise = async (
    world: ReturnType<typeof openCardWorld>,
    amount: number,
    decidedBy: 'gateway' | 'network' = 'gateway',
  ) => {
    const [paid] = world.issuer.authorizations();
    const raised = await world.issuer.raise(paid?.id ?? '', amount, decidedBy);
    await world.settle();
    return raised.approved;
  };

  it('before it answers is paid by the call, up to the hold', async () => {
    const world = openCardWorld();
    const answer = await world.buy({ item: 'pen' }, callOf(), {
      merchant: async (request) => {
        const ordered = await world.merchant.handle(request);
        expect([await raise(world, 2_000), await raise(world, 2_001)]).toEqual([true, false]);
        return ordered;
      },
    });
    expect(chargeOf(answer)).toEqual({ amount: '20000000' });
    expect(world.alerts).toEqual([]);
  });

  it.each([undefined, 'fail_after_charge'])(
    'after the call has ended gets nothing (%s)',
    async (trick) => {
      const world = openCardWorld();
      const answer = await world.buy({ item: 'pen', ...(trick === undefined ? {} : { trick }) });
      expect(chargeOf(answer)).toEqual({ amount: '3500000' });
      expect(await raise(world, 2_000)).toBe(false);
      expect(world.issuer.authorizations()).toMatchObject([{ amount: 350, approved: true }]);
      expect(world.alerts).toEqual([]);
    },
  );

  it('after the call has ended, without the gateway being asked, is an alert', async () => {
    const world = openCardWorld();
    await world.buy({ item: 'pen' });
    expect(await raise(world, 2_000, 'network')).toBe(true);
    await vi.waitFor(() =>
      expect(world.alerts).toMatchObject([
        { rule: 'card_charged', detail: { kind: 'raised_after_end', amount: '20000000' } },
      ]),
    );
  });
});

describe('the card', () => {
  const tricks = TRICKS.filter((trick) => !trick.startsWith('silent'));
  it.each(tricks)('comes back in no form by %s', async (trick) => {
    const logged: unknown[] = [];
    vi.spyOn(console, 'error').mockImplementation((line: unknown) => void logged.push(line));
    const world = openCardWorld();
    for (const item of ['book', 'lamp']) {
      const answer = await world.buy({ item, trick });
      const shown = `${answer.status} ${answer.statusText} ${JSON.stringify([...answer.headers])}`;
      const body = await answer.text();
      expect(foundIn(`${shown}\n`, world)).toEqual([]);
      expect(foundIn(body, world)).toEqual([]);
      expect([...answer.headers.keys()].sort()).toEqual(
        answer.status === 200 ? ['content-type', 'settlement-overrides'] : ['content-type'],
      );
    }
    expect(foundIn(await dumpOfCards(), world)).toEqual([]);
    expect(foundIn(JSON.stringify(logged), world)).toEqual([]);
  });
});

describe('a merchant that leaves the outcome open', () => {
  it('that charged the card and failed: the call is charged', async () => {
    const world = openCardWorld();
    const answer = await world.buy({ item: 'book', trick: 'fail_after_charge' });
    expect(answer.status).toBe(200);
    expect(chargeOf(answer)).toEqual({ amount: '18500000' });
    expect(await answer.json()).toMatchObject({ card: 'charged', answer: 'failed' });
  });

  it.each([true, false])(
    'that charged the card and fell silent, with webhooks %s',
    async (webhooks) => {
      const world = openCardWorld({ webhooks });
      const signal = AbortSignal.timeout(200);
      const order = { item: 'book', trick: 'silent_after_charge' };
      const answer = await world.buy(order, callOf(), { signal });
      expect(answer.status).toBe(200);
      expect(chargeOf(answer)).toEqual({ amount: '18500000' });
      expect(await answer.json()).toEqual({ card: 'charged', answer: 'lost' });
    },
  );

  it('that fell silent before: the card is cancelled and nothing is charged', async () => {
    const world = openCardWorld();
    const signal = AbortSignal.timeout(200);
    const answer = await world.buy({ item: 'book', trick: 'silent' }, callOf(), { signal });
    expect(answer.status).toBe(424);
    const [card] = world.issuer.cards();
    expect(card?.status).toBe('canceled');
    const { number = '', cvc = '', expMonth = 0, expYear = 0 } = card ?? {};
    const late = { number, cvc, expMonth, expYear, amount: 100, currency: 'usd' };
    expect(await world.issuer.authorize(late)).toMatchObject({ approved: false });
  });

  it.each(['cancel', 'list'])('throws if the issuer does not answer the %s', async (step) => {
    const world = openCardWorld();
    const call = callOf();
    const bought = world.buy({ item: 'lamp' }, call, {
      intercept: async (path, method, send) => {
        const isCancel = method === 'POST' && path.includes('/cards/');
        const isFailing =
          step === 'cancel' ? isCancel || path.endsWith('x') : path.includes('authorizations');
        if (isFailing) return new Response('', { status: 503 });
        if (
          step === 'cancel' &&
          method === 'GET' &&
          path.includes('/cards/') &&
          !path.includes('expand')
        ) {
          return new Response('', { status: 503 });
        }
        return await send();
      },
    });
    await expect(bought).rejects.toThrow('what was charged is unknown');
    expect(await world.table.byCall(call.id)).toMatchObject({ state: 'closing' });
  });

  it('that accepts the order and charges later has an hour', async () => {
    const world = openCardWorld();
    const call = callOf();
    const answer = await world.buy({ item: 'book' }, call, {
      merchant: async () => Response.json({ id: 'ord_later', status: 'accepted' }),
    });
    expect(chargeOf(answer)).toEqual({ amount: '20000000' });
    const row = await world.table.byCall(call.id);
    expect(row?.state).toBe('open');
    expect((row?.until ?? 0) - Date.now() / 1000).toBeGreaterThan(3_000);
  });
});

describe('an issuer that fails', () => {
  it('makes one card although its first answer is lost', async () => {
    const world = openCardWorld();
    let lost = 0;
    const answer = await world.buy({ item: 'book' }, callOf(), {
      intercept: async (path, method, send) => {
        const response = await send();
        if (method === 'POST' && path === '/v1/issuing/cards' && lost === 0) {
          lost += 1;
          throw new Error('connection reset');
        }
        return response;
      },
    });
    expect(answer.status).toBe(200);
    expect(world.issuer.cards().length).toBe(1);
  });

  it('charges nothing while it makes no card, and no merchant is asked', async () => {
    const world = openCardWorld();
    const call = callOf();
    const answer = await world.buy({ item: 'book' }, call, {
      intercept: async () =>
        Response.json({ error: { type: 'invalid_request_error' } }, { status: 400 }),
    });
    expect(answer.status).toBe(424);
    expect(world.merchant.seen()).toEqual([]);
    expect(await world.table.byCall(call.id)).toMatchObject({ state: 'closed', card: null });
  });

  it('leaves no open card if it does not show the number', async () => {
    const world = openCardWorld();
    const answer = await world.buy({ item: 'book' }, callOf(), {
      intercept: async (path, _, send) =>
        path.includes('expand') ? new Response('', { status: 500 }) : await send(),
    });
    expect(answer.status).toBe(424);
    expect(world.issuer.cards()).toMatchObject([{ status: 'canceled' }]);
  });
});
