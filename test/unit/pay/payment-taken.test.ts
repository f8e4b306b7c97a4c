import { afterEach, expect, it, vi } from 'vitest';
import type { PayTool } from '../../../src/pay/pay-tool.ts';
import { payFor } from '../../../src/pay/payment.ts';
import { storageShelf } from '../../../src/dashboard/session/storage-shelf.ts';
import { GATEWAY, offer, serve } from '../client/server.ts';
import { purchaseWallet, shelfOf } from '../dashboard/payment/purchase-fixture.ts';

const TOOL: PayTool = {
  ...{ id: 'translate', method: 'POST', path: '/tools/translate', price: 20_000n, isUpTo: false },
  ...{ settlement: 'deferred', networks: ['eip155:84532'], fields: [] },
};
const CALL = { method: 'POST', target: '/tools/translate', headers: {}, body: '{}' };
afterEach(() => {
  vi.unstubAllGlobals();
});

// A person closes the panel while the wallet asks, opens it again, and pays again: two calls of `payFor` on one shelf.
it('does not send a second payment for a tool whose first one is undecided', async () => {
  const signed: string[] = [];
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init);
    const payment = request.headers.get('payment-signature');
    if (payment === null) return offer();
    signed.push(payment);
    // The first one is lost, so it stays undecided; a second one must not leave.
    if (signed.length === 1) return new Response('bad gateway', { status: 502 });
    return await (serve as unknown as (r: Request) => Promise<Response>)(request);
  });
  const shelf = shelfOf();
  const go = async () =>
    await payFor(TOOL, CALL, {
      wallet: purchaseWallet(),
      on: 'eip155:84532' as const,
      gateway: GATEWAY,
      shelf: storageShelf(() => shelf),
      onStage: () => undefined,
    } as never);
  await Promise.all([go(), go()]);
  expect(new Set(signed).size).toBe(1);
});
