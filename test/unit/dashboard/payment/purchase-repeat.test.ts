import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AUTHORIZATION_CANCELED,
  AUTHORIZATION_USED,
} from '../../../../src/settlement/chain/token-calls.ts';
import { RETRY_KEY_HEADER } from '../../../../src/protocol/intent/retry-key.ts';
import {
  callOf,
  challenged,
  dropped,
  HASH,
  NOW,
  problem,
  scripted,
  type Step,
  USDC,
} from '../../client/server.ts';
import {
  askAgain,
  bought,
  buy,
  creditOffer,
  keptIn,
  purchaseWallet,
  shelfOf,
} from './purchase-fixture.ts';

let shelf = shelfOf();
let wallet = purchaseWallet();
let first: string | null | undefined;

beforeEach(async () => {
  shelf = shelfOf();
  wallet = purchaseWallet();
  const server = scripted(() => creditOffer(), dropped);
  await buy({ server, wallet, shelf });
  first = server.arrived[1]?.headers.get('PAYMENT-SIGNATURE');
});

/** The end of the validity of the fixture's payment. */
const END = NOW + 3600;

const payments = (server: ReturnType<typeof scripted>) =>
  server.arrived.flatMap(({ headers }) => headers.get('PAYMENT-SIGNATURE') ?? []);

describe('a purchase without an answer', () => {
  it('is sent again with the same signature and its secret, and ends with the answer', async () => {
    const server = scripted(bought);
    expect(await askAgain({ server, wallet, shelf })).toMatchObject({ ok: true });
    expect(payments(server)).toEqual([first]);
    expect(server.arrived[0]?.headers.get(RETRY_KEY_HEADER)).toMatch(/^[\w-]{43}$/);
    expect(wallet.signed).toEqual(['TransferWithAuthorization']);
    expect(shelf.kept.size).toBe(0);
  });

  it('is sent again instead of another purchase, whatever that one is', async () => {
    const server = scripted(bought);
    const result = await buy({ server, wallet, shelf }, { amount: 5_000_000n });
    expect(result).toMatchObject({ ok: true, value: { amount: 20_000n } });
    expect(payments(server)).toEqual([first]);
    expect(wallet.signed).toHaveLength(1);
  });

  it('needs no wallet to be sent again', async () => {
    expect(await askAgain({ server: scripted(bought), shelf })).toMatchObject({ ok: true });
  });

  const open: readonly (readonly [string, Step])[] = [
    ['no answer', dropped],
    ['a rate limit', () => problem(429, 'too-many-requests')],
    ['a refusal of the payment', () => creditOffer()],
    ['the error of a proxy', () => new Response('bad gateway', { status: 502 })],
    ['a denial', () => problem(403, 'denied', { rule: 'balance' })],
  ];

  it('stays open for any clock, and if the page itself fails', async () => {
    vi.useFakeTimers({ now: (END + 86_400) * 1000, toFake: ['Date'] });
    expect(await keptIn(shelf)).toBeDefined();
    vi.useRealTimers();
    const broken = {
      ...wallet,
      get provider(): never {
        throw new Error('The wallet is gone.');
      },
    };
    const server = scripted(() => problem(400, 'expired'));
    const result = await askAgain({ server, wallet: broken, shelf });
    expect(result).toMatchObject({ ok: false, error: { kind: 'purchase' } });
    expect(shelf.kept.size).toBe(1);
  });

  it.each(open)('stays open after %s', async (_, answer) => {
    const result = await askAgain({ server: scripted(answer), wallet, shelf });
    expect(result).toMatchObject({ ok: false, error: { kind: 'purchase' } });
    expect((await keptIn(shelf))?.proof.header[1]).toBe(first);
    expect(wallet.signed).toHaveLength(1);
  });
});

describe('a purchase that the gateway decided without keeping an answer', () => {
  const looked = async (
    more: Readonly<Record<string, unknown>>,
    now = NOW,
    refusal: Step = () => problem(409, 'already-used'),
  ) => {
    const call = (await keptIn(shelf))?.proof.call;
    const record = {
      ...{ call, tool: 'countersign.credits', request: HASH, binding: 'intent', asset: USDC },
      ...{ state: 'committed', price: '20000', charged: '20000', paid_from: 'payment' },
      ...{ payment: 'settled', transaction: HASH, accepted_at: NOW, entry: HASH, policy: HASH },
      ...more,
    };
    const server = scripted(
      refusal,
      () => challenged(),
      (arrived) => {
        expect(callOf(arrived)).not.toBe(call);
        return more['state'] === 'unknown' ? problem(404, 'unknown-call') : Response.json(record);
      },
    );
    return await askAgain({ server, wallet, shelf, now });
  };

  it('is looked up with a signature that moves nothing', async () => {
    expect(await looked({})).toMatchObject({ ok: true, value: { transaction: HASH } });
    expect(wallet.signed).toEqual(['TransferWithAuthorization', 'AgentIntent']);
    expect(shelf.kept.size).toBe(0);
  });

  it('and released after the money had moved became credit of the payer', async () => {
    const result = await looked({ state: 'released', charged: '0', payment: 'settled' });
    expect(result).toMatchObject({ ok: false, error: { kind: 'ended' } });
    expect(JSON.stringify(result)).toContain('credit of the account that paid');
    expect(shelf.kept.size).toBe(0);
  });

  it.each([
    { state: 'held' },
    { state: 'abandoned' },
    { state: 'released', payment: 'sent' },
    { state: 'released', payment: 'held' },
    { state: 'released', payment: 'failed' },
    { state: 'released', payment: 'released' },
    { state: 'unknown' },
  ])('stays open while its end is not known: %j', async (record) => {
    const result = await looked(record);
    expect(result).toMatchObject({ ok: false, error: { kind: 'purchase' } });
    expect(JSON.stringify(result)).not.toContain('Nothing was paid');
    expect(shelf.kept.size).toBe(1);
  });

  it.each<readonly [string, Step]>([
    ['payee', () => creditOffer()],
    ['minimum', () => problem(400, 'malformed-request', { field: 'amount' })],
  ])(
    'is looked up after the signature expired if the gateway has another %s now',
    async (_, no) => {
      const { kept } = shelf;
      const before = new Map(kept);
      expect(await looked({}, END + 1, no)).toMatchObject({ ok: true });
      for (const [key, value] of before) shelf.setItem(key, value);
      wallet = purchaseWallet({ isUsed: false });
      const never = await looked({ state: 'unknown' }, END + 1, no);
      expect(JSON.stringify(never)).toContain('Nothing was paid');
      expect(kept.size).toBe(0);
    },
  );

  it('stays open if the person declines the look-up, or the wallet is gone', async () => {
    wallet = purchaseWallet({ refuses: 'eth_signTypedData_v4' });
    const declined = await looked({});
    expect(declined).toMatchObject({ ok: false, error: { kind: 'purchase' } });
    expect(JSON.stringify(declined)).toContain('You declined in the wallet');
    const server = scripted(
      () => problem(409, 'already-used'),
      () => challenged(),
    );
    const gone = await askAgain({ server, shelf });
    expect(JSON.stringify(gone)).toContain('is not in this browser');
    expect(shelf.kept.size).toBe(1);
  });
});

describe('a purchase that the gateway may have forgotten', () => {
  const LATE = END + 1;
  const answers: readonly (readonly [string, readonly Step[]])[] = [
    ['expired', [() => problem(400, 'expired')]],
    [
      'unknown',
      [() => problem(400, 'proof-too-old'), () => challenged(), () => problem(404, 'unknown-call')],
    ],
  ];

  it.each(answers)('and calls %s is not called unpaid if it moved the money', async (_, steps) => {
    wallet = purchaseWallet({ isUsed: true });
    const result = await askAgain({ server: scripted(...steps), wallet, shelf, now: LATE });
    expect(JSON.stringify(result)).toMatch(/was used or cancelled|The money moved/);
    expect(JSON.stringify(result)).not.toContain('Nothing was paid');
    expect(shelf.kept.size).toBe(0);
  });

  it.each(answers)('and calls %s was not paid if the chain says so', async (_, steps) => {
    wallet = purchaseWallet({ isUsed: false });
    const result = await askAgain({ server: scripted(...steps), wallet, shelf, now: LATE });
    expect(JSON.stringify(result)).toContain('Nothing was paid');
    expect(shelf.kept.size).toBe(0);
  });

  it.each(answers)('and calls %s stays open while a block can still take it', async (_, steps) => {
    wallet = purchaseWallet({ isUsed: false, chainTime: END + 59 });
    const early = await askAgain({ server: scripted(...steps), wallet, shelf, now: LATE });
    expect(early).toMatchObject({ ok: false, error: { kind: 'purchase' } });
    expect(JSON.stringify(early)).not.toContain('Nothing was paid');
    expect(shelf.kept.size).toBe(1);
  });

  it.each(answers)('and calls %s stays open while no chain can be read', async (_, steps) => {
    const unread = await askAgain({ server: scripted(...steps), wallet, shelf, now: LATE });
    expect(unread).toMatchObject({ ok: false, error: { kind: 'purchase' } });
    expect(JSON.stringify(unread)).toContain('cannot read whether the money moved');
    expect(shelf.kept.size).toBe(1);
  });
});

describe('the chain, and not a clock or an answer,', () => {
  const saysExpired: Step = () => problem(400, 'expired');
  /** The time in a browser whose clock was set back by a day. */
  const BACK = NOW - 86_400;

  it.each([
    ['a minute after the end', END + 60, 'unpaid', 0],
    ['of the minute after the end, which may be replaced', END + 59, 'purchase', 1],
    ['before the end', END - 1, 'purchase', 1],
  ])(
    'ends a purchase that the gateway calls expired: a block %s',
    async (_, chainTime, kind, size) => {
      wallet = purchaseWallet({ isUsed: false, chainTime });
      const result = await askAgain({ server: scripted(saysExpired), wallet, shelf, now: BACK });
      expect(result).toMatchObject({ ok: false, error: { kind } });
      expect(shelf.kept.size).toBe(size);
      expect(JSON.stringify(result).includes('Nothing was paid')).toBe(kind === 'unpaid');
    },
  );

  it('is read at the block whose time is known: another node may be behind', async () => {
    wallet = purchaseWallet({ isUsed: false });
    await askAgain({ server: scripted(saysExpired), wallet, shelf });
    const read = wallet.asked.filter((call) => call.startsWith('eth_call')).at(-1);
    expect(read).toContain('"0x64"');
  });

  it('ends a purchase at a gateway that does not answer any more', async () => {
    wallet = purchaseWallet({ isUsed: false });
    const result = await askAgain({ server: scripted(dropped), wallet, shelf, now: END + 1 });
    expect(result).toMatchObject({ ok: false, error: { kind: 'unpaid' } });
    expect(shelf.kept.size).toBe(0);
  });

  it('is read by any wallet if the one that signed is gone', async () => {
    const other = purchaseWallet({ id: 'example.other', isUsed: false });
    const result = await askAgain({ server: scripted(saysExpired), wallet: other, shelf });
    expect(JSON.stringify(result)).toContain('Nothing was paid');
    expect(other.signed).toEqual([]);
    expect(shelf.kept.size).toBe(0);
  });

  it.each([
    ['moved', AUTHORIZATION_USED, 'ended'],
    ['cancelled', AUTHORIZATION_CANCELED, 'unpaid'],
  ])('says that the payment was %s, and in which transaction', async (word, topic, kind) => {
    const log = { transactionHash: HASH, topics: [topic] };
    const other = purchaseWallet({ id: 'example.other', isUsed: true, log });
    const used: Step = () => problem(409, 'already-used');
    const server = scripted(used, () => challenged());
    const result = await askAgain({ server, wallet: other, shelf, now: END + 1 });
    expect(result).toMatchObject({ ok: false, error: { kind } });
    expect(JSON.stringify(result)).toContain(word);
    expect(JSON.stringify(result)).toContain(HASH);
    expect(shelf.kept.size).toBe(0);
  });

  it('blocks nothing for good where no wallet reads it: the person is told to look', async () => {
    const server = scripted(saysExpired, saysExpired);
    expect(await askAgain({ server, shelf, now: END + 3600 })).toMatchObject({
      error: { kind: 'purchase' },
    });
    expect(shelf.kept.size).toBe(1);
    const given = await askAgain({ server, shelf, now: END + 3601 });
    expect(given).toMatchObject({ ok: false, error: { kind: 'ended' } });
    expect(JSON.stringify(given)).not.toContain('Nothing was paid');
    expect(JSON.stringify(given)).toContain('Before you buy again');
    expect(shelf.kept.size).toBe(0);
  });
});
