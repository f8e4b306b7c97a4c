import type { LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { usdc, usdcAbi, usdcBalance } from '../../dev/usdc.ts';
import { intentDigest, intentFields } from '../../src/intent/agent-intent.ts';
import { agentIntent, signIntent } from './support/intent.ts';
import { decode, kindOf, paymentResponse, readProblem } from './support/offer.ts';
import { fundedAccount, newAccount, sign, v1, v2 } from './support/payment.ts';
import { claimsOf } from './support/receipt.ts';
import { lookup, type ToolCall, translate, useWorld } from './support/world.ts';

const world = useWorld();
let account: LocalAccount;
beforeAll(async () => {
  account = await fundedAccount(world(), 1_000_000n);
});

const topUp = (amount: number, more = ''): ToolCall => ({
  path: `/credits?amount=${amount}${more}`,
  method: 'POST',
});
const idOf = ({ address }: LocalAccount) => `eip155:84532:${address.toLowerCase()}`;
const json = async (answer: Response) => (await answer.json()) as Record<string, unknown>;

/** An intent that pays for a call from credit. */
const fromCredit = async (payer: LocalAccount, call: ToolCall, tool: string, maxAmount: bigint) =>
  await signIntent(world(), payer, call, {
    tool,
    payTo: world().payTo.toLowerCase() as `0x${string}`,
    asset: usdc.address.toLowerCase() as `0x${string}`,
    maxAmount,
  });
const look = async (payer: LocalAccount, id: unknown): Promise<Response> => {
  const call: ToolCall = { path: `/calls/${String(id)}` };
  const signed = await signIntent(world(), payer, call, { tool: 'countersign.calls' });
  return await world().send(call, agentIntent(signed));
};
const creditOf = (answer: Response) =>
  Number(/"credit";r=(\d+)/.exec(answer.headers.get('RateLimit') ?? '')?.[1]);

describe('credit', () => {
  it('is bought by any client, once for each payment, whatever version it speaks', async () => {
    const payer = await fundedAccount(world(), 100_000n);
    for (const form of [v2, v1]) {
      const payment = await sign(world(), payer, topUp(30_000));
      const answer = await world().send(topUp(30_000), form(payment));
      expect(answer.status).toBe(200);
      expect(await json(answer)).toEqual({
        account: idOf(payer),
        asset: `eip155:84532/erc20:${usdc.address.toLowerCase()}`,
        amount: '30000',
        payment: payment.payload.authorization.nonce,
      });
      expect(paymentResponse(answer)).toMatchObject({ success: true, amount: '30000' });
      const again = await world().send(topUp(30_000), form(payment));
      expect(again.status).toBe(409);
    }
    expect(await usdcBalance(world().client, payer.address)).toBe(40_000n);
    const signed = await fromCredit(payer, lookup, 'lookup', 1_000n);
    const called = await world().send(lookup, agentIntent(signed));
    expect(called.status).toBe(200);
    expect(creditOf(called)).toBe(59_000);
    expect(await usdcBalance(world().client, payer.address)).toBe(40_000n);
  });

  it('pays a call by intent, tells it again to the intent, and can be looked up', async () => {
    await world().send(topUp(50_000), v2(await sign(world(), account, topUp(50_000))));
    const before = (await world().counts()).translate;
    const signed = await fromCredit(account, translate, 'translate', 20_000n);
    const first = await world().send(translate, agentIntent(signed));
    expect(first.status).toBe(200);
    const text = await first.text();
    const claims = await claimsOf(world(), first);
    expect(claims).toMatchObject({ tool: 'translate', binding: 'intent', charged: '20000' });
    const again = await world().send(translate, agentIntent(signed));
    expect([again.status, await again.text()]).toEqual([200, text]);
    expect((await world().counts()).translate).toBe(before + 1);

    const looked = await look(account, claims['call']);
    expect(looked.status).toBe(200);
    const { answer, ...status } = await json(looked);
    expect(status).toMatchObject({
      tool: 'translate',
      binding: 'intent',
      state: 'committed',
      charged: '20000',
      paid_from: 'credit',
      payment: 'none',
    });
    expect(Buffer.from((answer as { body: string }).body, 'base64').toString()).toBe(text);
    expect(await claimsOf(world(), looked)).toMatchObject({ response: claims['response'] });
    // To another account it never was.
    const other = await look(await fundedAccount(world(), 1_000n), claims['call']);
    expect([other.status, kindOf(await readProblem(other))]).toEqual([404, 'unknown-call']);
  });

  it('that does not suffice is said so, and the call may be paid otherwise', async () => {
    const poor = await fundedAccount(world(), 100_000n);
    const signed = await fromCredit(poor, translate, 'translate', 20_000n);
    const denied = await world().send(translate, agentIntent(signed));
    expect(denied.status).toBe(403);
    expect(await readProblem(denied)).toMatchObject({ rule: 'credit' });
    const paid = await world().send(translate, v2(await sign(world(), poor, translate)));
    expect(paid.status).toBe(200);
  });

  it('of another account is bought only by a payment that says so', async () => {
    const friend = newAccount();
    const call = topUp(10_000, `&account=${idOf(friend)}`);
    const refused = await world().send(call, v2(await sign(world(), account, call)));
    expect([refused.status, kindOf(await readProblem(refused))]).toEqual([400, 'binding-required']);
    const { chainId: _, intent } = await fromCredit(account, call, 'countersign.credits', 10_000n);
    const bound = await boundTo(call, intent);
    const answer = await world().send(call, bound);
    expect(await json(answer)).toMatchObject({ account: idOf(friend), amount: '10000' });
    const signed = await fromCredit(friend, lookup, 'lookup', 1_000n);
    expect((await world().send(lookup, agentIntent(signed))).status).toBe(200);
  });
});

type Intent = Awaited<ReturnType<typeof fromCredit>>['intent'];

/** A payment whose nonce is the digest of an intent, as viem makes it. */
const boundTo = async (call: ToolCall, intent: Intent) => {
  const payment = await sign(world(), account, call, { nonce: intentDigest(intent, 84532) });
  const header = decode(v2(payment)['PAYMENT-SIGNATURE']) as Record<string, unknown>;
  const extensions = { 'agent-intent': { info: { intent: intentFields(intent) } } };
  return {
    'PAYMENT-SIGNATURE': Buffer.from(JSON.stringify({ ...header, extensions })).toString('base64'),
  };
};

describe('a captured bound payment', () => {
  it('buys nothing but its own request, stripped of its intent or not', async () => {
    const notarise: ToolCall = {
      path: '/tools/notarise',
      method: 'POST',
      body: '{"text":"mine"}',
      contentType: 'application/json',
    };
    const { intent } = await fromCredit(account, notarise, 'notarise', 10_000n);
    const captured = await boundTo(notarise, intent);
    const theirs = { ...notarise, body: '{"text":"theirs"}' };
    const moved = await world().send(theirs, captured);
    expect(moved.status).toBe(400);
    expect(await readProblem(moved)).toMatchObject({
      field: 'PAYMENT-SIGNATURE.extensions.agent-intent.info.intent.payloadDigest',
      docs: expect.stringContaining('/.well-known/agent-intent') as string,
    });
    const { extensions: _, ...bare } = decode(captured['PAYMENT-SIGNATURE']) as {
      extensions: unknown;
    };
    const stripped = { 'PAYMENT-SIGNATURE': Buffer.from(JSON.stringify(bare)).toString('base64') };
    const refused = await world().send(notarise, stripped);
    expect([refused.status, kindOf(await readProblem(refused))]).toEqual([400, 'binding-required']);
    const answer = await world().send(notarise, captured);
    expect(answer.status).toBe(200);
    expect((await claimsOf(world(), answer))['binding']).toBe('intent');
  });
});

describe('a tool of variable price', () => {
  const summarise = (text: string): ToolCall => ({
    path: '/tools/summarise',
    method: 'POST',
    body: JSON.stringify({ text }),
    contentType: 'application/json',
  });

  it('charges what it says, from credit, and fails above what was signed', async () => {
    const call = summarise('One two three. Four five six.');
    const signed = await fromCredit(account, call, 'summarise', 5_000n);
    const answer = await world().send(call, agentIntent(signed));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Settlement-Overrides')).toBeNull();
    expect((await claimsOf(world(), answer))['charged']).toBe('1120');
    const left = creditOf(answer);
    const tight = await fromCredit(account, call, 'summarise', 1_119n);
    const over = await world().send(call, agentIntent(tight));
    expect(over.status).toBe(502);
    expect(await readProblem(over)).toMatchObject({ money: 'untouched' });
    expect(creditOf(over)).toBe(left);
  });
});

describe('a refund', () => {
  it('that an operator made on chain is taken off the credit, once', async () => {
    const operator = privateKeyToAccount(world().stack.description.operator.privateKey);
    const payer = await fundedAccount(world(), 50_000n);
    await world().send(topUp(50_000), v2(await sign(world(), payer, topUp(50_000))));
    const { client, payTo } = world();
    await client.impersonateAccount({ address: payTo });
    await client.setBalance({ address: payTo, value: 10n ** 18n });
    const transaction = await client.writeContract({
      address: usdc.address,
      abi: usdcAbi,
      functionName: 'transfer',
      args: [payer.address, 20_000n],
      account: payTo,
    });
    await client.waitForTransactionReceipt({ hash: transaction });
    const call: ToolCall = {
      path: '/admin/credits/refunds',
      method: 'POST',
      body: JSON.stringify({ account: idOf(payer), transaction }),
      contentType: 'application/json',
    };
    const tool = 'countersign.admin.credits.refund';
    const stranger = await world().send(
      call,
      agentIntent(await signIntent(world(), account, call, { tool })),
    );
    expect(stranger.status).toBe(403);
    for (const known of [false, true]) {
      const signed = await signIntent(world(), operator, call, { tool });
      const answer = await world().send(call, agentIntent(signed));
      expect(answer.status).toBe(200);
      expect(await json(answer)).toMatchObject({ amount: '20000', credit: '30000', known });
    }
  });
});
