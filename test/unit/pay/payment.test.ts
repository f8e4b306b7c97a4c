import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PayTool } from '../../../src/pay/pay-tool.ts';
import { payFor } from '../../../src/pay/payment.ts';
import { recordKey } from '../../../src/pay/payment-record.ts';
import { storageShelf } from '../../../src/dashboard/session/storage-shelf.ts';
import { GATEWAY, offer, problem, scripted, serve, type Step } from '../client/server.ts';
import { purchaseWallet, shelfOf } from '../dashboard/payment/purchase-fixture.ts';

const TOOL: PayTool = {
  ...{ id: 'translate', method: 'POST', path: '/tools/translate', price: 20_000n, isUpTo: false },
  ...{ settlement: 'deferred', networks: ['eip155:84532'], fields: [] },
};
const ON = 'eip155:84532' as const;
const CALL = { method: 'POST', target: '/tools/translate', headers: {}, body: '{}' };

afterEach(() => {
  vi.unstubAllGlobals();
});

const pay = async (answer: Step, shelf = shelfOf()) => {
  vi.stubGlobal('fetch', scripted(() => offer(), answer).fetch);
  const wallet = purchaseWallet();
  const place = { gateway: GATEWAY, shelf: storageShelf(() => shelf) };
  const options = { wallet, on: ON, ...place, onStage: () => undefined };
  return await payFor(TOOL, CALL, options);
};

describe('a signed call without an answer of its tool', () => {
  const lost: Step = () => new Response('bad gateway', { status: 502 });

  it('can be looked up, also where the browser stores nothing', async () => {
    const full = { ...shelfOf(), setItem: () => undefined };
    const result = await pay(lost, full);
    expect(result).toMatchObject({
      ok: false,
      error: { kind: 'unclear', record: { pays: 'payment', amount: 20_000n } },
    });
  });

  it('is kept for a reload', async () => {
    const shelf = shelfOf();
    await pay(lost, shelf);
    expect(shelf.getItem(recordKey(TOOL.id))).not.toBeNull();
  });

  it('is not paid for again while it is kept', async () => {
    const shelf = shelfOf();
    await pay(lost, shelf);
    const first = shelf.getItem(recordKey(TOOL.id));
    const result = await pay(serve, shelf);
    expect(result).toMatchObject({ ok: false, error: { kind: 'unclear', record: {} } });
    expect(shelf.getItem(recordKey(TOOL.id))).toBe(first);
  });

  it('was refused by the gateway, which alone knows that nothing was paid', async () => {
    for (const refusal of [() => problem(403, 'denied'), () => offer()]) {
      const result = await pay(refusal);
      expect(result).toMatchObject({ ok: false, error: { kind: 'unpaid' } });
      expect(JSON.stringify(result)).toContain('The gateway says that nothing was paid.');
    }
  });
});

it('does not let two payments for a tool leave where the browser has no locks', async () => {
  const signed: (string | null)[] = [];
  const fetch = async (...of: Parameters<typeof globalThis.fetch>): Promise<Response> => {
    const payment = new Request(...of).headers.get('payment-signature');
    if (payment === null) return offer();
    signed.push(payment);
    return new Response('bad gateway', { status: 502 });
  };
  vi.stubGlobal('fetch', fetch);
  const shelf = storageShelf(
    (
      (kept) => () =>
        kept
    )(shelfOf()),
  );
  const options = { wallet: purchaseWallet(), on: ON, gateway: GATEWAY, shelf };
  const pays = [1, 2].map(
    async () => await payFor(TOOL, CALL, { ...options, onStage: () => undefined }),
  );
  for (const result of await Promise.all(pays)) expect(result.ok).toBe(false);
  expect(signed).toHaveLength(1);
  expect(await shelf.list(recordKey(TOOL.id))).toHaveLength(1);
});

it('keeps the answer of a paid call for a reload, and lets the next call begin', async () => {
  const shelf = shelfOf();
  expect(await pay(serve, shelf)).toMatchObject({ ok: true });
  expect(shelf.getItem(recordKey(TOOL.id))).toContain('"outcome":{"status":200');
  expect(await pay(serve, shelf)).toMatchObject({ ok: true });
});
