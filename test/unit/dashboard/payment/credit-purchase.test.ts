import { describe, expect, it } from 'vitest';
import { readPurchase } from '../../../../src/dashboard/payment/kept-purchase.ts';
import {
  AGENT,
  binding,
  dropped,
  entry,
  offer,
  PAY_TO,
  problem,
  scripted,
  type Step,
} from '../../client/server.ts';
import {
  AMOUNT,
  bought,
  buy,
  creditOffer,
  FOR,
  purchaseWallet,
  shelfOf,
} from './purchase-fixture.ts';

/** USDC on Base, where the wallet may hold real money. */
const BASE = {
  network: 'eip155:8453',
  asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
  extra: { name: 'USD Coin', version: '2' },
};

describe('buying credit', () => {
  it('takes one signature, names the account, and keeps nothing once it is answered', async () => {
    const server = scripted(() => creditOffer(), bought);
    const wallet = purchaseWallet();
    const shelf = shelfOf();
    const result = await buy({ server, wallet, shelf }, { payer: AGENT, payTo: PAY_TO });
    expect(result).toMatchObject({
      ok: true,
      value: { amount: AMOUNT, account: FOR, payer: `eip155:84532:${AGENT}` },
    });
    expect(server.arrived[1]?.url).toContain(`/credits?amount=20000&account=${FOR}`);
    expect(wallet.signed).toEqual(['TransferWithAuthorization']);
    expect(shelf.kept.size).toBe(0);
  });

  it('keeps the purchase before its signature leaves the page', async () => {
    const shelf = shelfOf();
    let keptThen: unknown;
    const server = scripted(
      () => creditOffer(),
      (arrived) => {
        keptThen = readPurchase(shelf, FOR)?.proof.header[1];
        expect(keptThen).toBe(arrived.headers.get('PAYMENT-SIGNATURE'));
        return bought(arrived);
      },
    );
    await buy({ server, shelf });
    expect(keptThen).toBeDefined();
  });

  it('sends nothing if the browser keeps nothing', async () => {
    const server = scripted(() => creditOffer(), bought);
    const shelf = { ...shelfOf(), setItem: () => undefined };
    const result = await buy({ server, shelf });
    expect(result).toMatchObject({ ok: false, error: { kind: 'unpaid' } });
    expect(server.arrived).toHaveLength(1);
  });

  it.each([
    ['more than the page showed', { amount: '20001' }, {}],
    ['less than the page showed', { amount: '19999' }, {}],
    ['another payee', { payTo: `0x${'cd'.repeat(20)}` }, { payTo: PAY_TO }],
    ['another token', { asset: `0x${'cd'.repeat(20)}` }, {}],
    ['the token of another network', BASE, {}],
  ] as const)('signs nothing for %s', async (_, more, agreed) => {
    const server = scripted(() => creditOffer(more), bought);
    const wallet = purchaseWallet();
    const result = await buy({ server, wallet }, agreed);
    expect(result).toMatchObject({ ok: false, error: { kind: 'unpaid' } });
    expect(JSON.stringify(result)).toContain('Nothing was paid');
    expect(wallet.signed).toEqual([]);
    expect(server.arrived).toHaveLength(1);
  });

  it('signs nothing that is not bound to the purchase', async () => {
    const server = scripted(() => offer([entry({ amount: '20000' })], {}), bought);
    const wallet = purchaseWallet();
    expect(await buy({ server, wallet })).toMatchObject({ ok: false, error: { kind: 'unpaid' } });
    expect(wallet.signed).toEqual([]);
    const other = scripted(() => offer(undefined, binding({ audience: 'https://other.example' })));
    expect(await buy({ server: other, wallet })).toMatchObject({ error: { kind: 'unpaid' } });
    expect(wallet.signed).toEqual([]);
  });

  it('names the account of the wallet if the page showed another one, and signs nothing', async () => {
    const server = scripted(() => creditOffer(), bought);
    const wallet = purchaseWallet();
    const result = await buy({ server, wallet }, { payer: `0x${'ef'.repeat(20)}` });
    expect(result).toMatchObject({ ok: false, error: { kind: 'unpaid', payer: AGENT } });
    expect(wallet.signed).toEqual([]);
  });

  it.each([
    ['declines the signature', { refuses: 'eth_signTypedData_v4' }, 'You declined'],
    ['has too little', { balance: AMOUNT - 1n }, 'this costs 0.02 USDC'],
  ])('costs nothing if the wallet %s', async (_, rules, text) => {
    const shelf = shelfOf();
    const server = scripted(() => creditOffer(), bought);
    const result = await buy({ server, wallet: purchaseWallet(rules), shelf });
    expect(result).toMatchObject({ error: { kind: 'unpaid' } });
    expect(JSON.stringify(result)).toContain(text);
    expect(shelf.kept.size).toBe(0);
  });

  it.each([
    ['an unknown route', problem(404, 'not-found'), 'sells no credit on Base Sepolia'],
    [
      'an unknown network',
      problem(400, 'malformed-request', { field: 'account' }),
      'sells no credit on Base Sepolia',
    ],
    ['a pause', problem(503, 'paused'), 'It is paused.'],
  ])('says of %s why nothing is sold', async (_, answer, text) => {
    const result = await buy({ server: scripted(() => answer) });
    expect(result).toMatchObject({ ok: false, error: { kind: 'unpaid' } });
    expect(JSON.stringify(result)).toContain(text);
  });
});

describe('the answer to a signed purchase', () => {
  const refusals: readonly (readonly [string, Step])[] = [
    ['an expired signature', () => problem(400, 'expired')],
    ['a limit of the account', () => problem(403, 'denied', { rule: 'credit' })],
    ['a refused payment', () => creditOffer()],
  ];

  it.each(refusals)('that is %s ends it: nothing was paid', async (_, refusal) => {
    const shelf = shelfOf();
    const result = await buy({ server: scripted(() => creditOffer(), refusal), shelf });
    expect(result).toMatchObject({ ok: false, error: { kind: 'unpaid' } });
    expect(shelf.kept.size).toBe(0);
  });

  it('that refuses a repeat does not end it: the first attempt may have paid', async () => {
    const shelf = shelfOf();
    const busy = (): Response => problem(503, 'settlement-unavailable');
    const server = scripted(
      () => creditOffer(),
      busy,
      () => creditOffer(),
    );
    const result = await buy({ server, shelf, retries: 1 });
    expect(server.arrived).toHaveLength(3);
    expect(result).toMatchObject({ ok: false, error: { kind: 'purchase' } });
    expect(shelf.kept.size).toBe(1);
  });

  const unclear: readonly (readonly [string, Step])[] = [
    ['lost', dropped],
    ['the error of a proxy', () => new Response('bad gateway', { status: 502 })],
    ['the page of a proxy', () => new Response('<html>hotel</html>', { status: 200 })],
    [
      'about another payment',
      () => Response.json({ account: FOR, amount: '20000', payment: '0x' }),
    ],
    ['a failure of the gateway', () => problem(500, 'internal')],
  ];

  it.each(unclear)('that is %s leaves it open, and it is kept', async (_, answer) => {
    const shelf = shelfOf();
    const result = await buy({ server: scripted(() => creditOffer(), answer), shelf });
    expect(result).toMatchObject({ ok: false, error: { kind: 'purchase' } });
    expect(JSON.stringify(result)).not.toContain('Nothing was paid');
    expect(readPurchase(shelf, FOR)).toMatchObject({ amount: AMOUNT, payer: AGENT });
  });
});
