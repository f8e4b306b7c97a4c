import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { newer, older, useWith } from './support/official.ts';
import { kindOf, paymentResponse, readProblem } from './support/offer.ts';
import { fundedAccount, transfersFrom, trustedAccount } from './support/payment.ts';
import { claimsOf } from './support/receipt.ts';
import { credits } from './support/credit.ts';
import {
  lookup,
  notarise,
  report,
  type ToolCall,
  translate,
  useSharedWorld,
} from './support/world.ts';

const world = useSharedWorld();

const calls: Readonly<Record<string, ToolCall>> = {
  lookup,
  translate,
  report,
  echo: { path: '/tools/echo/x?y=z', method: 'POST', body: 'hello', contentType: 'text/plain' },
  flaky: { path: '/tools/flaky?status=200' },
  stream: { path: '/tools/stream?chunks=2&ms=10' },
};

/**
 * Tools that this test skips: free, more expensive than the client's default limit of a dollar, for bound payments only, or from credit
 * only.
 */
const OTHERS = ['whoami', 'enrich', 'notarise', 'summarise'];

describe.each([
  { client: '@x402/fetch 2.27 (v2)', wrap: newer, header: 'PAYMENT-SIGNATURE' },
  { client: 'x402-fetch 1.2.0 (v1)', wrap: older, header: 'X-PAYMENT' },
])('$client', ({ wrap, header }) => {
  let account: LocalAccount;
  let answered: Response[];
  let paying: typeof fetch;
  const recording: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init);
    answered.push(answer.clone());
    return answer;
  };
  beforeAll(async () => {
    account = await trustedAccount(world(), { reports: 4, balance: 1_000_000n });
    answered = [];
    paying = wrap(account, recording);
  });

  it('is tried on every tool', () => {
    const ids = world().stack.description.tools.map(({ id }) => id);
    expect(ids.toSorted()).toEqual([...Object.keys(calls), ...OTHERS].toSorted());
  });

  it.each(Object.entries(calls))('pays for %s', async (tool, call) => {
    const before = await world().counts();
    const answer = await useWith(world(), paying, call);
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(paymentResponse(answer)).toMatchObject({ success: true });
    // The charge of a stream is known at its end, so its headers have no receipt.
    if (tool === 'stream') expect(answer.headers.get('Agent-Receipt')).toBeNull();
    else
      expect(await claimsOf(world(), answer)).toMatchObject({ tool, binding: 'none', status: 200 });
    await answer.arrayBuffer();
    expect(await world().counts()).toEqual({
      ...before,
      [tool]: before[tool as keyof typeof before] + 1,
    });
  });

  it('buys credit', async () => {
    const newcomer = await fundedAccount(world(), 500_000n);
    const answer = await useWith(world(), wrap(newcomer), credits(50_000n));
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(await answer.json()).toMatchObject({ amount: '50000' });
    const next = await useWith(world(), wrap(newcomer), lookup);
    expect(paymentResponse(next).extra.paidFrom).toBe('credit');
    expect(await transfersFrom(world(), newcomer.address)).toEqual([50_000n]);
  });

  it('gets a problem that names header and documentation from a tool that requires binding, and pays nothing', async () => {
    const before = await world().counts();
    // A fresh payer: earlier calls of the other one may still be settling.
    const careful = await fundedAccount(world(), 500_000n);
    answered.length = 0;
    const answer = await useWith(world(), wrap(careful, recording), notarise);
    expect(answered.map(({ status }) => status)).toEqual([402, 400]);
    expect(answer.status).toBe(400);
    const problem = await readProblem(answer);
    expect(kindOf(problem)).toBe('binding-required');
    expect(problem.hint).toContain('PAYMENT-SIGNATURE');
    expect(problem.hint).toContain('agent-intent');
    expect(problem.field).toMatch(new RegExp(`^${header}`));
    if (header === 'X-PAYMENT') expect(problem.hint).toMatch(/version 1/);
    const docs = problem['docs'] as string;
    expect(docs).toBe(`${world().stack.description.audience}/.well-known/agent-intent`);
    expect(await world().counts()).toEqual(before);
    expect(await transfersFrom(world(), careful.address)).toEqual([]);
  });
});

describe('the documentation page that the problem names', () => {
  it('has everything that a signer needs', async () => {
    const { audience, gateway, payTo, usdc } = world().stack.description;
    const answer = await fetch(`${gateway}/.well-known/agent-intent`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Content-Type')).toMatch(/^application\/json/);
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*');
    const text = await answer.text();
    for (const needed of [
      audience,
      'AgentIntent(address agent,string audience,string tool,string method,string target,string contentType,bytes32 payloadDigest,address payTo,address asset,uint256 maxAmount,uint64 validAfter,uint64 validBefore,bytes32 nonce,bytes32 authority)',
      'Countersign',
      'PAYMENT-SIGNATURE',
      'Agent-Intent',
      'eip155:84532',
      'countersign.credits',
      'countersign.calls',
      'eip3009-nonce',
    ])
      expect(text).toContain(needed);
    for (const address of [payTo, usdc])
      expect(text.toLowerCase()).toContain(address.toLowerCase());
  });
});
