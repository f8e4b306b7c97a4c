import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Hex, type LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { TOOLS_FILE } from '../../dev/stack/tools.ts';
import { createAgent } from '../../src/client/index.ts';
import { USD, USD_ADDRESS } from '../../src/protocol/fiat-asset.ts';
import type { AgentIntent } from '../../src/protocol/intent/agent-intent.ts';
import { accountOf, creditedAccount } from './support/credit.ts';
import { expectProblem } from './support/expect-answer.ts';
import { callWith, grantedAgent } from './support/grant.ts';
import { agentIntent, digestOf, intentFor, retryKey, signFields } from './support/intent.ts';
import { listAll, manage, okJson } from './support/manage.ts';
import { kindOf } from './support/offer.ts';
import { fundedAccount, newAccount, transfersFrom } from './support/payment.ts';
import { claimsOf } from './support/receipt.ts';
import { standingOf } from './support/standing.ts';
import { post, type ToolCall, translate, useWorld } from './support/world.ts';

const directory = await mkdtemp(join(tmpdir(), 'countersign-fiat-'));
const toolsFile = join(directory, 'tools.json');
const { tools } = JSON.parse(await readFile(TOOLS_FILE, 'utf8')) as { tools: readonly object[] };
const card = { description: 'Charges a card.', asset: USD, settlement: 'card' };
const more = [
  {
    ...{ id: 'ticket', method: 'POST', path: '/tools/ticket', price: '$20.00' },
    ...{ ...card, upstream: '/summarise' },
  },
  {
    ...{ id: 'checkout', method: 'POST', path: '/tools/checkout', price: { max: '$50.00' } },
    ...{ ...card, upstream: '/summarise' },
  },
  {
    ...{ id: 'shaky', method: 'GET', path: '/tools/shaky', price: '$1.00' },
    ...{ ...card, upstream: '/flaky' },
  },
  {
    ...{ id: 'silent', method: 'GET', path: '/tools/silent', price: '$1.00' },
    ...{ ...card, upstream: '/flaky', timeoutSeconds: 2 },
  },
];
await writeFile(toolsFile, JSON.stringify({ tools: [...tools, ...more] }));
afterAll(async () => await rm(directory, { recursive: true, force: true }));

const world = useWorld({ toolsFile, variables: { OPERATORS: people.operator.address } });
const operator = privateKeyToAccount(people.operator.privateKey);

const ticket = post('/tools/ticket', { text: 'One seat.' });
const checkout = (charge: string): ToolCall => post('/tools/checkout', { text: 'A book.', charge });
const shaky = (query: string): ToolCall => ({ path: `/tools/shaky?${query}` });
/** Its upstream never answers. */
const silent: ToolCall = { path: '/tools/silent?hang=1' };

/** The tool and price of a card tool, as its 401 states them. */
const challengeOf = async (call: ToolCall) => {
  const answer = await world().send(call);
  expect(answer.status).toBe(401);
  return (await answer.json()) as {
    readonly tool: string;
    readonly price: { readonly amount: string; readonly payees: Readonly<Record<string, string>> };
  };
};

/** Signs the intent that the 401 asks for and sends the call with it. */
const buy = async (payer: LocalAccount, call: ToolCall, fields: Partial<AgentIntent> = {}) => {
  const { tool, price } = await challengeOf(call);
  const payTo = price.payees['eip155:84532'] as Hex;
  const spends = { tool, payTo, asset: USD_ADDRESS, maxAmount: BigInt(price.amount), ...fields };
  const signed = await signFields(payer, intentFor(world(), payer.address, call, spends));
  const answer = await world().send(call, agentIntent(signed));
  return { answer, signed, id: digestOf(signed.intent) };
};

const params = (of: LocalAccount) => ({ account: accountOf(of.address) });
const monthOf = async (of: LocalAccount, asset: string) => {
  const { money } = await standingOf(world(), of);
  const purse = money.find((each) => each.asset === asset);
  return purse?.limits.find(({ rule }) => rule === 'window:month');
};

let owner: LocalAccount;
let agent: LocalAccount;
beforeAll(async () => {
  owner = await creditedAccount(world(), { credit: 1_000_000n, balance: 1_000n });
  const usdc = (await standingOf(world(), owner)).money[0]?.asset;
  const body = {
    assets: [usdc, USD],
    perCall: '$50.00',
    windows: [{ every: 'month', limit: '$60.00' }],
  };
  await okJson(manage(world(), operator, 'accounts.policy.put', { params: params(owner), body }));
  ({ agent } = await grantedAgent(world(), owner, {
    ...{ asset: USD_ADDRESS, maxPerCall: 50_000_000n, maxTotal: 50_000_000n },
  }));
});

describe('a card tool', () => {
  it('tells a caller without an intent its price and what to sign, and offers nothing to a wallet', async () => {
    const answer = await world().send(ticket);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('PAYMENT-REQUIRED')).toBeNull();
    expect(await answer.json()).toMatchObject({
      ...{ tool: 'ticket', intent: { asset: USD_ADDRESS, maxAmount: '20000000' } },
      price: { asset: USD, amount: '20000000', dollars: '$20.00', pricing: 'exact' },
    });
  });

  it('denies an account that no operator has allowed to spend the currency', async () => {
    const before = (await world().counts()).summarise;
    for (const stranger of [newAccount(), await fundedAccount(world(), 1_000_000n)]) {
      const problem = await expectProblem(
        buy(stranger, ticket).then(({ answer }) => answer),
        403,
      );
      expect([kindOf(problem), problem['rule']]).toEqual(['denied', 'asset']);
    }
    expect((await world().counts()).summarise).toBe(before);
  });

  it('denies an account whose own policy alone allows the currency', async () => {
    const self = await creditedAccount(world(), { credit: 1_000n, balance: 0n });
    const body = { assets: [USD] };
    await okJson(manage(world(), self, 'account.policy.put', { params: params(self), body }));
    const { agent: other } = await grantedAgent(world(), self, { asset: USD_ADDRESS });
    const problem = await expectProblem(
      buy(other, shaky('ok=1')).then(({ answer }) => answer),
      403,
    );
    expect(problem['rule']).toBe('asset');
  });

  it('runs within the budget of the agent: a receipt in dollars, no token moves', async () => {
    const { answer, signed, id } = await buy(agent, ticket);
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(answer.headers.get('PAYMENT-RESPONSE')).toBeNull();
    expect(await claimsOf(world(), answer)).toMatchObject({
      ...{ tool: 'ticket', call: id, asset: USD, charged: '20000000', binding: 'intent' },
    });
    expect(answer.headers.get('RateLimit')).toContain('"grant:lifetime";r=30000000');
    expect(await transfersFrom(world(), agent.address)).toEqual([]);
    expect(await transfersFrom(world(), owner.address)).toHaveLength(1);

    // The signature runs the tool once. With its retry key, the gateway returns the stored answer.
    const again = await world().send(ticket, agentIntent(signed));
    expect(kindOf(await expectProblem(Promise.resolve(again), 409))).toBe('already-used');
    const stored = await world().send(ticket, {
      ...agentIntent(signed),
      ...retryKey(signed.intent),
    });
    expect(stored.status).toBe(200);
    expect(await claimsOf(world(), stored)).toMatchObject({ asset: USD, charged: '20000000' });
  });

  it('charges what it reports', async () => {
    const { answer } = await buy(agent, checkout('1250000'), { maxAmount: 2_000_000n });
    expect(await claimsOf(world(), answer)).toMatchObject({ charged: '1250000', asset: USD });
  });

  it('refuses a call above what remains, in the grant and in the window of the owner', async () => {
    const problem = await expectProblem(
      buy(agent, checkout('1')).then(({ answer }) => answer),
      403,
    );
    expect(problem).toMatchObject({ rule: 'lifetime', spent: '21250000', remaining: '28750000' });
    for (const price of [10_000_000n, 20_000_000n]) {
      const bought = await buy(owner, checkout(price.toString()), { maxAmount: price });
      expect(bought.answer.status).toBe(200);
    }
    const above = await expectProblem(
      buy(owner, ticket).then(({ answer }) => answer),
      429,
    );
    expect(above['rule']).toBe('window');
  });

  it('leaves the budget in tokens as it was', async () => {
    const usdc = (await standingOf(world(), owner)).money.find(({ asset }) => asset !== USD);
    expect(usdc).toMatchObject({ credit: '1000000', credit_held: '0' });
    expect(await monthOf(owner, usdc?.asset ?? '')).toMatchObject({ spent: '0', held: '0' });
    expect((await callWith(world(), owner, translate)).status).toBe(200);
  });

  it('takes no payment of x402', async () => {
    const { audience } = world().stack.description;
    const offered = await (await fetch(new URL('/.well-known/x402', audience))).text();
    expect(offered).not.toContain('ticket');
  });
});

describe('the client', () => {
  const spend = {
    ...{ perCall: '$0.05', total: '$1' },
    card: { perCall: '$2.00', total: '$3.00' },
  } as const;
  const gateway = () => world().stack.description.gateway;
  const audience = () => world().stack.description.audience;
  const client = () =>
    createAgent({ account: agent, spend, audiences: { [gateway()]: audience() } });

  it('calls a card tool within a budget of its own, over HTTP and over MCP', async () => {
    const buyer = client();
    const answer = await buyer.fetch(`${gateway()}/tools/shaky?ok=1`);
    expect(answer.status).toBe(200);
    expect(answer.countersign).toMatchObject({
      ...{ paid: 'card', charged: 1_000_000n },
      receipt: { verified: true, claims: { asset: USD } },
    });
    const mcp = await buyer.mcp(`${gateway()}/mcp`);
    const result = await mcp.callTool({ name: 'shaky', arguments: { ok: '1' } });
    expect(result.isError).not.toBe(true);
    expect(result._meta?.['countersign/report']).toMatchObject({
      ...{ paid: 'card', charged: '1000000', receipt: { verified: true } },
    });
    const { tools: listed } = await mcp.listTools();
    const described = listed.find(({ name }) => name === 'shaky');
    expect(described?._meta?.['countersign/price']).toMatchObject({ asset: USD, usd: '1.00' });
    expect(described?._meta).not.toHaveProperty('agents-x402/paymentRequired');
    await mcp.close();
    expect(buyer.spending()).toMatchObject({ signed: 0n, card: { charged: 2_000_000n } });
  });

  it('signs nothing above its caps, and nothing without caps for cards', async () => {
    await expect(client().fetch(gateway() + ticket.path, { method: 'POST' })).rejects.toMatchObject(
      {
        code: 'over_per_call',
      },
    );
    const { card: _, ...tokens } = spend;
    const other = createAgent({
      account: agent,
      spend: tokens,
      audiences: { [gateway()]: audience() },
    });
    await expect(other.fetch(`${gateway()}/tools/shaky?ok=1`)).rejects.toMatchObject({
      code: 'asset_not_allowed',
    });
  });
});

describe('a card call of unknown outcome', () => {
  it('is released by a decline', async () => {
    const { answer, id } = await buy(agent, shaky('status=402'));
    expect(answer.status).toBe(502);
    await expect
      .poll(() => world().audit.call(id), { timeout: 30_000, interval: 200 })
      .toMatchObject({ state: 'released', charged: 0, paid_by: 'card' });
  });

  it('keeps its hold after no answer and after a 500, until the operator resolves each', async () => {
    const unanswered = await buy(agent, silent);
    const broken = await buy(agent, shaky('status=500'));
    const kept = async () => {
      const query = { state: 'kept' };
      const items = await listAll<Readonly<Record<string, unknown>>>(
        world(),
        operator,
        'settlements.list',
        { query },
      );
      return items.map(({ call, asset, amount }) => [call, asset, amount]);
    };
    const both = [broken.id, unanswered.id].map((id) => [id, USD, '1000000']);
    await expect.poll(kept, { timeout: 30_000, interval: 300 }).toEqual(both);
    for (const { id } of [unanswered, broken]) {
      const body = { charge: id === unanswered.id, reason: 'asked the merchant' };
      const resolved = { params: { ...params(agent), call: id }, body };
      await okJson(manage(world(), operator, 'settlements.resolve', resolved));
    }
  });
});

describe('reports', () => {
  it('keep fiat and tokens apart: spend, lists and books', async () => {
    const spend = () =>
      okJson<{ readonly items: readonly Readonly<Record<string, unknown>>[] }>(
        manage(world(), operator, 'spend', { query: { by: 'tool', asset: USD } }),
      ).then(({ items }) => items.map(({ key, charged, asset }) => [key, charged, asset]));
    await expect.poll(spend, { timeout: 30_000, interval: 300 }).toEqual([
      ['checkout', '31250000', USD],
      ['shaky', '2000000', USD],
      ['silent', '1000000', USD],
      ['ticket', '20000000', USD],
    ]);
    const books = await okJson<{ readonly items: readonly Readonly<Record<string, unknown>>[] }>(
      manage(world(), operator, 'books'),
    );
    const inFiat = books.items.filter(({ asset }) => asset === USD);
    expect(new Set(inFiat.map(({ line }) => line))).toEqual(new Set(['card_spent']));
    const revenue = books.items.filter(({ line }) => line === 'revenue');
    expect(revenue.map(({ tool, amount }) => [tool, amount])).toEqual([['translate', '20000']]);
    const calls = await listAll<{ readonly asset?: string; readonly tool?: string }>(
      world(),
      operator,
      'calls.list',
      { query: { tool: 'ticket' } },
    );
    expect(calls.map(({ asset }) => asset)).toEqual([USD]);
  });
});
