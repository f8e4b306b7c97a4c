import { describe, expect, it } from 'vitest';
import {
  AGENT,
  binding,
  dropped,
  entry,
  NOW,
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
  keptIn,
  purchaseWallet,
  shelfOf,
} from './purchase-fixture.ts';

/** USDC on Base, where the wallet may hold real money. */
const BASE = {
  network: 'eip155:8453',
  asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
  extra: { name: 'USD Coin', version: '2' },
};

const refusing = (): never => {
  throw new Error('SecurityError');
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
      async (arrived) => {
        keptThen = (await keptIn(shelf))?.proof.header[1];
        expect(keptThen).toBe(arrived.headers.get('PAYMENT-SIGNATURE'));
        return bought(arrived);
      },
    );
    await buy({ server, shelf });
    expect(keptThen).toBeDefined();
  });

  it('sends no second purchase if another tab kept one while the wallet signed', async () => {
    const shelf = shelfOf();
    const other = shelfOf();
    await buy({ server: scripted(() => creditOffer(), dropped), shelf: other });
    const wallet = purchaseWallet();
    const { request } = wallet.provider;
    const slow = async (asked: Parameters<typeof request>[0]): Promise<unknown> => {
      const answer = await request(asked);
      if (asked.method === 'eth_signTypedData_v4') {
        for (const [key, text] of other.kept) shelf.setItem(key, text);
      }
      return answer;
    };
    const server = scripted(() => creditOffer(), bought);
    const result = await buy({ server, wallet: { ...wallet, provider: { request: slow } }, shelf });
    expect(wallet.signed).toEqual(['TransferWithAuthorization']);
    expect(server.arrived.length).toBe(1);
    expect(result).toMatchObject({ ok: false, error: { kind: 'unpaid' } });
    expect(shelf.kept).toEqual(other.kept);
  });

  it.each([
    ['keeps nothing', { setItem: () => undefined }],
    ['is full', { setItem: refusing }],
    ['denies all storage', { getItem: refusing, setItem: refusing, removeItem: refusing }],
  ])('asks for no signature if the browser %s', async (_, rules) => {
    const server = scripted(() => creditOffer(), bought);
    const wallet = purchaseWallet();
    const result = await buy({ server, wallet, shelf: { ...shelfOf(), ...rules } });
    expect(result).toMatchObject({ ok: false, error: { kind: 'unpaid' } });
    expect(JSON.stringify(result)).toContain('stores nothing');
    expect(wallet.signed).toEqual([]);
    expect(server.arrived).toHaveLength(0);
  });

  it('sends nothing if the storage is full only once the wallet has signed', async () => {
    const server = scripted(() => creditOffer(), bought);
    const shelf = shelfOf();
    const setItem = (key: string, value: string): void => {
      if (key.startsWith('countersign-credit')) throw new Error('QuotaExceededError');
      shelf.setItem(key, value);
    };
    const result = await buy({ server, shelf: { ...shelf, setItem } });
    expect(result).toMatchObject({ ok: false, error: { kind: 'unpaid' } });
    expect(server.arrived).toHaveLength(1);
  });

  it('sends nothing, and keeps nothing, if it could not read what it keeps', async () => {
    const server = scripted(() => creditOffer(), bought);
    const shelf = shelfOf();
    const wallet = purchaseWallet({ id: 'x'.repeat(40_000) });
    const result = await buy({ server, wallet, shelf });
    expect(result).toMatchObject({ ok: false, error: { kind: 'unpaid' } });
    expect(server.arrived).toHaveLength(1);
    expect(shelf.kept.size).toBe(0);
  });

  it('sends nothing if the wallet signs after the payment has expired', async () => {
    let now = NOW;
    const server = scripted(() => creditOffer(), bought);
    const wallet = purchaseWallet();
    const { request } = wallet.provider;
    const provider = {
      request: async (call: Parameters<typeof request>[0]) => {
        const answer = await request(call);
        if (call.method === 'eth_signTypedData_v4') now = NOW + 180;
        return answer;
      },
    };
    const shelf = shelfOf();
    const result = await buy({ server, wallet: { ...wallet, provider }, shelf, clock: () => now });
    expect(result).toMatchObject({ ok: false, error: { kind: 'unpaid' } });
    expect(JSON.stringify(result)).toContain('did not send it. Nothing was paid');
    expect(server.arrived).toHaveLength(1);
    expect(shelf.kept.size).toBe(0);
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
    ['a failed settlement', () => problem(503, 'settlement-failed')],
    ['a pause', () => problem(503, 'paused')],
  ];

  it.each(refusals)(
    'that is %s does not end it: the gateway may still present it',
    async (_, no) => {
      const shelf = shelfOf();
      const wallet = purchaseWallet({ isUsed: false, balance: AMOUNT, chainTime: NOW });
      const later = purchaseWallet({ isUsed: false, balance: AMOUNT });
      const server = scripted(
        () => creditOffer(),
        ...[no, no, no],
        () => creditOffer(),
        bought,
      );
      const result = await buy({ server, wallet, shelf });
      expect(result).toMatchObject({ ok: false, error: { kind: 'purchase' } });
      expect(JSON.stringify(result)).toContain('The gateway did not take the purchase');
      expect(JSON.stringify(result)).not.toContain('Nothing was paid');
      expect(shelf.kept.size).toBe(1);
      // A second purchase sends the same payment again, and reads the chain once the payment has expired.
      await buy({ server, wallet, shelf });
      expect(wallet.signed).toHaveLength(1);
      const over = await buy({ server, wallet: later, shelf, now: NOW + 3601 });
      expect(JSON.stringify(over)).toContain('Nothing was paid');
      expect(later.signed).toEqual([]);
      const next = await buy({ server, wallet: later, shelf, now: NOW + 3602 });
      expect(next).toMatchObject({ ok: true });
    },
  );

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
    expect(await keptIn(shelf)).toMatchObject({ amount: AMOUNT, payer: AGENT });
  });
});

describe('a kept purchase that this page cannot read', () => {
  const KEY = `countersign-credit:${FOR}`;
  const START = NOW + 7200;
  /** The longest validity of a payment, plus the largest tolerated difference between two clocks. */
  const LONGEST = 3600 + 300;

  const tried = async (shelf: ReturnType<typeof shelfOf>, chainTime: number) => {
    const wallet = purchaseWallet({ chainTime });
    const result = await buy({ server: scripted(() => creditOffer(), bought), wallet, shelf });
    return { result, signed: wallet.signed };
  };

  it.each(['{', '{"at":1}', '', `{"call":"0x${'1'.repeat(64)}"}`])(
    'allows no other one until that has ended, and then says so: %j',
    async (text) => {
      const shelf = shelfOf();
      shelf.setItem(KEY, text);
      for (const chainTime of [START, START + LONGEST]) {
        const { result, signed } = await tried(shelf, chainTime);
        expect(result).toMatchObject({ ok: false, error: { kind: 'purchase' } });
        expect(JSON.stringify(result)).not.toContain('Nothing was paid');
        expect(signed).toEqual([]);
        expect(shelf.getItem(KEY)).toBe(text);
      }
      const ended = await tried(shelf, START + LONGEST + 1);
      expect(ended.result).toMatchObject({ ok: false, error: { kind: 'ended' } });
      expect(JSON.stringify(ended.result)).toContain('Before you buy again');
      expect(ended.signed).toEqual([]);
      expect(shelf.kept.size).toBe(0);
      expect((await tried(shelf, START + LONGEST + 2)).result).toMatchObject({ ok: true });
    },
  );

  it('is one that was kept for another account', async () => {
    const shelf = shelfOf();
    await buy({ server: scripted(() => creditOffer(), dropped), shelf });
    const other = `eip155:84532:0x${'cd'.repeat(20)}` as const;
    shelf.setItem(`countersign-credit:${other}`, shelf.getItem(KEY) ?? '');
    const wallet = purchaseWallet();
    const server = scripted(() => creditOffer(), bought);
    const result = await buy({ server, wallet, shelf }, { account: other });
    expect(JSON.stringify(result)).toContain('that the page cannot read');
    expect(wallet.signed).toEqual([]);
  });

  it('waits for another one from its own first sight', async () => {
    const shelf = shelfOf();
    shelf.setItem(KEY, '{');
    await tried(shelf, START);
    shelf.setItem(KEY, '[');
    const { result } = await tried(shelf, START + LONGEST + 1);
    expect(result).toMatchObject({ ok: false, error: { kind: 'purchase' } });
    expect(shelf.getItem(KEY)).toBe('[');
  });
});
