import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { usdcBalance } from '../../dev/stack/chain-access.ts';
import { type AgentOptions } from '../../src/client/index.ts';
import { transfersFrom } from '../conformance/support/payment.ts';
import { useSharedWorld } from '../conformance/support/world.ts';
import { type LosingProxy, startLosingProxy } from './support/losing-proxy.ts';
import { claimsOf, newCustomer, post } from './support/customer.ts';
import { describeLostAnswers } from './support/lost-answers.ts';

/** Tests the client against a real gateway, chain, facilitator and upstream. */
const world = useSharedWorld();
let proxy: LosingProxy;

beforeAll(async () => {
  proxy = await startLosingProxy(world().stack.gateway.url);
});
afterAll(async () => {
  await proxy?.stop();
});

const gateway = (): string => world().stack.gateway.url;

const customer = async (amount: bigint, options: Partial<AgentOptions> = {}) =>
  await newCustomer(world(), amount, options);

/** Creates a customer whose calls pass through the proxy and are signed for the gateway's audience. */
const throughProxy = async (amount: bigint, options: Partial<AgentOptions> = {}) =>
  await customer(amount, { audiences: { [proxy.url]: gateway() }, ...options });

describe('a bound call', () => {
  it('of a new payer settles first and a later one is deferred; both receipts verify', async () => {
    const { agent, ledger, address, account } = await customer(1_000_000n);
    const first = await agent.fetch(`${gateway()}/tools/report`, post({ text: 'Money first.' }));
    expect(first.status).toBe(200);
    expect(first.countersign).toMatchObject({
      paid: 'payment',
      version: 2,
      binding: 'intent',
      charged: 50_000n,
      attempts: 1,
      call: ledger.transfers[0]?.nonce,
      transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
    });
    expect(claimsOf(first)).toMatchObject({
      iss: gateway(),
      agent: account,
      tool: 'report',
      charged: '50000',
      binding: 'intent',
    });
    expect(first.countersign.limits.map(({ rule }) => rule)).toContain('rate');

    const second = await agent.fetch(`${gateway()}/tools/lookup?word=river`);
    expect([second.status, second.countersign.transaction]).toEqual([200, undefined]);
    expect(await second.text()).toContain('stream of water');
    expect(claimsOf(second)).toMatchObject({ tool: 'lookup', charged: '1000' });

    expect(agent.spending()).toEqual({ signed: 51_000n, charged: 51_000n, remaining: 949_000n });
    await expect
      .poll(async () => await usdcBalance(world().client, address), { timeout: 60_000 })
      .toBe(949_000n);
    expect([ledger.intents.length, ledger.transfers.length]).toEqual([0, 2]);
  });

  it('is accepted by a tool that requires binding', async () => {
    const { agent } = await customer(100_000n);
    const answer = await agent.fetch(`${gateway()}/tools/notarise`, post({ text: 'I was here.' }));
    expect([answer.status, answer.countersign.binding]).toEqual([200, 'intent']);
    expect(await answer.json()).toMatchObject({ sha256: expect.any(String) as string });
    expect(claimsOf(answer)).toMatchObject({ tool: 'notarise', binding: 'intent' });
  });

  it('is bound to the request that fetch really sends, in every form of request', async () => {
    const { agent } = await customer(100_000n);
    const base = `${gateway()}/tools/echo/a%20b?q=%2F&q=ü#frag`;
    const bytes = new Uint8Array(randomBytes(300));
    const requests: readonly [RequestInfo | URL, RequestInit?][] = [
      [base],
      [new URL(base)],
      [new Request(base, { method: 'DELETE' })],
      [new Request(base, { method: 'POST', body: 'as text' })],
      [base, { method: 'PUT', body: new URLSearchParams({ a: 'ä' }) }],
      [
        base,
        { method: 'PATCH', body: bytes, headers: { 'content-type': ' application/x-thing ' } },
      ],
      [base, { method: 'POST', body: new Blob(['blob'], { type: 'text/PLAIN' }) }],
      [base, { method: 'POST', body: new Blob([bytes]).stream() }],
    ];
    for (const [input, init] of requests) {
      const answer = await agent.fetch(input, init);
      expect([answer.status, answer.countersign.receipt]).toMatchObject([200, { verified: true }]);
      const { method } = (await answer.json()) as { method: string };
      expect(method).toBe(input instanceof Request ? input.method : (init?.method ?? 'GET'));
    }
  });

  it('costs nothing when the tool fails; moved money becomes credit and pays the next call', async () => {
    const { agent, ledger, address } = await customer(100_000n);
    const failed = await agent.fetch(`${gateway()}/tools/flaky?status=500`);
    expect([failed.status, failed.countersign.charged]).toEqual([500, 0n]);
    expect(claimsOf(failed)).toMatchObject({ charged: '0', status: 500 });
    expect(await usdcBalance(world().client, address)).toBe(90_000n);

    const next = await agent.fetch(`${gateway()}/tools/lookup?word=bank`);
    expect(next.countersign).toMatchObject({ paid: 'credit', charged: 1000n, binding: 'intent' });
    expect(claimsOf(next)).toMatchObject({ charged: '1000' });
    expect([ledger.transfers.length, ledger.intents.length]).toEqual([1, 1]);
    // `signed` counts a payment once, when it is signed. A later call from the payment's credit does not add to it.
    expect(agent.spending()).toEqual({ signed: 10_000n, charged: 1000n, remaining: 990_000n });
  });

  it('of an agent without money is denied with a reason', async () => {
    const { agent, ledger } = await customer(0n);
    const answer = await agent.fetch(`${gateway()}/tools/lookup?word=river`).then(
      ({ status, countersign }) => [status, countersign.problem?.['rule']],
      (error: { code: string }) => error.code,
    );
    expect(['payment_refused', [403, 'penniless'], [403, 'balance']]).toContainEqual(answer);
    expect(ledger.transfers).toHaveLength(1);
  });
});

describe('credit', () => {
  it('is topped up, reported, spent without payments, and then replaced by payments', async () => {
    const { agent, ledger, address } = await throughProxy(100_000n);
    const from = proxy.passed.length;
    const topped = await agent.topUp(proxy.url, '$0.002');
    expect([topped.status, await topped.json()]).toMatchObject([200, { amount: '2000' }]);
    expect(topped.countersign).toMatchObject({
      paid: 'payment',
      charged: 2000n,
      binding: 'intent',
    });
    claimsOf(topped);
    expect(topped.countersign.limits).toContainEqual(
      expect.objectContaining({ rule: 'credit', remaining: 2000n }),
    );
    expect(await usdcBalance(world().client, address)).toBe(98_000n);

    const paid: string[] = [];
    for (const word of ['river', 'river', 'river', 'river']) {
      const answer = await agent.fetch(`${proxy.url}/tools/lookup?word=${word}`);
      expect([answer.status, claimsOf(answer)?.charged]).toEqual([200, '1000']);
      paid.push(answer.countersign.paid);
    }
    expect(paid).toEqual(['credit', 'credit', 'payment', 'payment']);
    const sent = proxy.passed.slice(from).filter(({ path }) => path.startsWith('/tools'));
    // First call: a 402, then an intent. Second call: an intent at once, because the client knows the price. Other calls: a 402, then a
    // payment.
    expect(sent.map(({ proof }) => proof !== undefined)).toEqual([
      ...[false, true],
      true,
      ...[false, true],
      ...[false, true],
    ]);
    expect([ledger.intents.length, ledger.total()]).toEqual([2, 4000n]);
    expect(agent.spending()).toMatchObject({ signed: 4000n, remaining: 996_000n });
  });

  it('can belong to an account without money', async () => {
    const giver = await customer(100_000n);
    const poor = await customer(0n);
    const topped = await giver.agent.topUp(gateway(), 5000n, { account: poor.account });
    expect([topped.status, await topped.json()]).toMatchObject([
      200,
      { account: poor.account, amount: '5000' },
    ]);
    const first = await poor.agent.fetch(`${gateway()}/tools/lookup?word=river`);
    expect(first.status).toBe(200);
    // The client does not know of the credit yet, so it sends a payment. The gateway debits the credit and drops the authorization.
    expect(first.countersign).toMatchObject({ paid: 'credit', charged: 1000n });
    const second = await poor.agent.fetch(`${gateway()}/tools/lookup?word=bank`);
    expect(second.countersign).toMatchObject({ paid: 'credit', charged: 1000n });
    expect([poor.ledger.transfers.length, poor.ledger.intents.length]).toEqual([1, 1]);
    expect(await transfersFrom(world(), poor.address)).toEqual([]);
    expect(await usdcBalance(world().client, giver.address)).toBe(95_000n);
    // The account that paid for the other account's top-up has no credit itself.
    const own = await giver.agent.fetch(`${gateway()}/tools/lookup?word=river`);
    expect(own.countersign.paid).toBe('payment');
  });

  it('is charged less than the signed amount by a tool of variable price', async () => {
    const { agent, ledger } = await customer(500_000n);
    await agent.topUp(gateway(), '$0.20');
    const text = 'A river runs to the sea. The sea is wide. A river is long and a river is deep.';
    const answer = await agent.fetch(`${gateway()}/tools/summarise`, post({ text }));
    expect(answer.status).toBe(200);
    const { words } = (await answer.json()) as { words: number };
    const price = 1000n + 20n * BigInt(words);
    expect(answer.countersign).toMatchObject({ paid: 'credit', charged: price });
    expect(claimsOf(answer)).toMatchObject({ charged: price.toString() });
    expect(answer.headers.get('settlement-overrides')).toBeNull();
    expect(ledger.intents.map(({ maxAmount }) => maxAmount)).toEqual([50_000n]);
    expect(agent.spending()).toMatchObject({ signed: 200_000n, charged: 200_000n + price });

    // The tool reports more than the signed amount, so the call fails and nothing is charged.
    const greedy = await agent.fetch(
      `${gateway()}/tools/summarise`,
      post({ text, charge: '50001' }),
    );
    expect([greedy.status, greedy.countersign.charged]).toEqual([502, 0n]);
  });

  it('for thirty calls and fifty calls at once: thirty from credit and twenty payments', async () => {
    const { agent, ledger, address } = await customer(500_000n);
    // The payer first settles an upfront payment here, so that its later payments may be deferred.
    await agent.fetch(`${gateway()}/tools/report`, post({ text: 'Known.' }));
    await agent.topUp(gateway(), 30_000n);
    const answers = await Promise.all(
      Array.from(
        { length: 50 },
        async () => await agent.fetch(`${gateway()}/tools/lookup?word=sea`),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const charged = answers.reduce((sum, { countersign }) => sum + countersign.charged, 0n);
    expect(charged).toBe(50_000n);
    expect(answers.every(({ countersign }) => countersign.receipt?.verified)).toBe(true);
    const paid = Map.groupBy(answers, ({ countersign }) => countersign.paid);
    expect([paid.get('credit')?.length, paid.get('payment')?.length]).toEqual([30, 20]);
    // The client may sign a payment before it learns that credit covers the call. The gateway then drops the authorization.
    expect(ledger.total()).toBeGreaterThanOrEqual(100_000n);
    await expect
      .poll(async () => await usdcBalance(world().client, address), { timeout: 60_000 })
      .toBe(400_000n);
  });
});

describe('a free call', () => {
  it('is signed when the gateway challenges, and costs nothing', async () => {
    const { agent, ledger, account } = await customer(10_000n);
    const answer = await agent.fetch(`${gateway()}/tools/whoami`);
    expect([answer.status, await answer.json()]).toMatchObject([200, { account, tool: 'whoami' }]);
    expect(answer.countersign).toMatchObject({ paid: 'none', binding: 'intent', charged: 0n });
    expect(claimsOf(answer)).toMatchObject({ charged: '0' });
    expect([ledger.transfers.length, ledger.intents.length]).toEqual([0, 1]);
  });

  it('without a challenge is not signed', async () => {
    const { agent, ledger } = await customer(0n);
    const answer = await agent.fetch(`${gateway()}/healthz`);
    expect([answer.status, answer.countersign]).toMatchObject([200, { paid: 'none', attempts: 1 }]);
    expect(ledger.signatures).toEqual([]);
  });
});
describeLostAnswers(world, () => proxy);

describe('a long answer', () => {
  it('arrives whole, and a look-up has its receipt', async () => {
    const { agent } = await customer(100_000n);
    const body = randomBytes(90_000).toString('hex');
    const answer = await agent.fetch(`${gateway()}/tools/echo/long`, { method: 'POST', body });
    expect(((await answer.clone().json()) as { body: string }).body).toBe(body);
    const response = `0x${createHash('sha256')
      .update(await answer.text())
      .digest('hex')}`;
    expect(await answer.countersign.final).toMatchObject({
      ...{ charged: 1_000n, receipt: { verified: true, claims: { response, charged: '1000' } } },
    });
  });

  it.each([0, 20_000])('with %i characters sent has its digest in the receipt', async (length) => {
    const { agent } = await customer(100_000n);
    const init = { method: 'POST', body: 'y'.repeat(length) };
    const answer = await agent.fetch(`${gateway()}/tools/echo/short`, init);
    expect(claimsOf(answer)?.response).toMatch(/^0x[0-9a-f]{64}$/);
  });

  it('of events arrives event by event', async () => {
    const { agent } = await customer(100_000n);
    const whole = await agent.fetch(`${gateway()}/tools/stream?chunks=5`);
    const events = await whole.text();
    expect(events.match(/^id: /gm)).toHaveLength(5);
    const response = `0x${createHash('sha256').update(events).digest('hex')}`;
    expect(await whole.countersign.final).toMatchObject({
      ...{ end: 'complete', receipt: { verified: true, claims: { response } } },
    });
    // The tool sends the second event a minute after the first.
    const answer = await agent.fetch(`${gateway()}/tools/stream?chunks=2&ms=60000`);
    const reader = answer.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    expect(new TextDecoder().decode(value).match(/^id: \d+$/gm)).toEqual(['id: 1']);
    await reader?.cancel();
  });
});
