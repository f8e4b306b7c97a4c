import type { LocalAccount } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Chain, startChain } from '../../dev/stack/chain.ts';
import { startFacilitator } from '../../dev/stack/facilitator.ts';
import { person } from '../../dev/stack/people.ts';
import type { RunningServer } from '../../dev/stack/loopback.ts';
import { createAgent } from '../../src/client/index.ts';
import { ledgerOf } from './support/ledger.ts';
import { type Shop, startShop1, startShop2 } from './support/x402-servers.ts';

/** Third-party x402 servers with a real facilitator and chain: this client must pay them as their own clients do. */
let chain: Chain;
let facilitator: RunningServer;
/** Requests to the facilitator, each as path and x402 version, e.g. `/settle 1`. */
const requests: string[] = [];
const shops = new Map<1 | 2, Shop>();
const payees = { 1: person('shop 1').address, 2: person('shop 2').address } as const;
const PRICES = { 1: 30_000n, 2: 20_000n } as const;

beforeAll(async () => {
  chain = await startChain({});
  facilitator = await startFacilitator({
    rpc: chain.rpc,
    wrap: (real) => async (request) => {
      const body: unknown = await request
        .clone()
        .json()
        .catch(() => ({}));
      const { x402Version } = body as { x402Version?: number };
      requests.push(`${new URL(request.url).pathname} ${x402Version ?? ''}`.trim());
      return await real(request);
    },
  });
  shops.set(1, await startShop1({ facilitator: facilitator.url, payTo: payees[1] }));
  shops.set(2, await startShop2({ facilitator: facilitator.url, payTo: payees[2] }));
});

afterAll(async () => {
  await Promise.all([...shops.values()].map(async ({ stop }) => await stop()));
  await facilitator?.stop();
  await chain?.stop();
});

const customer = async (amount: bigint) => {
  const account: LocalAccount = privateKeyToAccount(generatePrivateKey());
  if (amount > 0n) await chain.fund(account.address, amount);
  const ledger = ledgerOf(account);
  const agent = createAgent({ account: ledger.signer, spend: { perCall: '$0.05', total: '$1' } });
  return { agent, ledger, address: account.address };
};

const shopOf = (version: 1 | 2): Shop => {
  const shop = shops.get(version);
  if (shop === undefined) throw new Error('the shop is not open');
  return shop;
};

describe.each([
  { version: 2, server: '@x402/hono 2.27' },
  { version: 1, server: 'x402-hono 1.1.0' },
] as const)('version $version, by $server', ({ version }) => {
  const price = PRICES[version];
  const payee = payees[version];

  it.each(['GET', 'POST'])(
    'a %s is paid, the money moves, and the answer arrives',
    async (method) => {
      const shop = shopOf(version);
      const { agent, address, ledger } = await customer(100_000n);
      const before = {
        made: shop.made(),
        had: await chain.balanceOf(payee),
        requests: requests.length,
      };
      const body = method === 'POST' ? { body: 'two of them' } : {};
      const answer = await agent.fetch(`${shop.url}/goods`, { method, ...body });
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({
        made: before.made + 1,
        method,
        got: method === 'POST' ? 'two of them' : '',
      });
      const { transaction, ...report } = answer.countersign;
      expect(report).toMatchObject({
        paid: 'payment',
        version,
        binding: 'none',
        charged: price,
        receipt: undefined,
        attempts: 1,
        call: ledger.transfers[0]?.nonce,
      });
      // The chain confirms that this transaction moved the price from the agent to the shop.
      expect(transaction).toBeDefined();
      const mined = await chain.client.getTransactionReceipt({ hash: transaction ?? '0x' });
      expect(mined.status).toBe('success');
      expect(await chain.balanceOf(address)).toBe(100_000n - price);
      expect(await chain.balanceOf(payee)).toBe(before.had + price);
      expect(
        requests.slice(before.requests).filter((each) => !each.startsWith('/supported')),
      ).toEqual([`/verify ${version}`, `/settle ${version}`]);
      expect(agent.spending()).toEqual({
        signed: price,
        charged: price,
        remaining: 1_000_000n - price,
      });
    },
  );

  it('ten calls at once make ten payments', async () => {
    const shop = shopOf(version);
    const { agent, address } = await customer(1_000_000n);
    const before = await chain.balanceOf(payee);
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => await agent.fetch(`${shop.url}/goods`)),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await chain.balanceOf(address)).toBe(1_000_000n - 10n * price);
    expect(await chain.balanceOf(payee)).toBe(before + 10n * price);
    expect(new Set(answers.map(({ countersign }) => countersign.transaction)).size).toBe(10);
  });

  it("an agent without money gets the shop's reason and does not sign again", async () => {
    const shop = shopOf(version);
    const { agent, ledger } = await customer(0n);
    const made = shop.made();
    await expect(agent.fetch(`${shop.url}/goods`)).rejects.toMatchObject({
      code: 'payment_refused',
      message: expect.stringMatching(/insufficient|balance|simulation/i) as string,
      call: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
    });
    expect([ledger.transfers.length, shop.made()]).toEqual([1, made]);
  });

  it('a failed call moves no money; the signed amount stays counted', async () => {
    const { agent, address } = await customer(100_000n);
    const answer = await agent.fetch(`${shopOf(version).url}/broken`);
    expect([answer.status, answer.countersign.charged]).toEqual([500, 0n]);
    expect(await chain.balanceOf(address)).toBe(100_000n);
    expect(agent.spending()).toMatchObject({ signed: price, charged: 0n });
  });

  it('a price above the cap is not paid', async () => {
    const { ledger } = await customer(0n);
    const agent = createAgent({
      account: ledger.signer,
      spend: { perCall: price - 1n, total: '$1' },
    });
    await expect(agent.fetch(`${shopOf(version).url}/goods`)).rejects.toMatchObject({
      code: 'over_per_call',
      offer: { amount: price, payTo: payee.toLowerCase() },
    });
    expect(ledger.signatures).toEqual([]);
  });
});
