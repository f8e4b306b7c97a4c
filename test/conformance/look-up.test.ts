import type { Hex, LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { mint } from '../../dev/stack/chain-access.ts';
import type { AgentIntent } from '../../src/protocol/intent/agent-intent.ts';
import { bind, bound, callOf, windowFromNow } from './support/bound.ts';
import { creditedAccount } from './support/credit.ts';
import {
  agentIntent,
  digestOf,
  sha256,
  signFields,
  signIntent,
  signPaidIntent,
} from './support/intent.ts';
import { callPath, lookUp } from './support/look-up.ts';
import { kindOf, type Problem, readProblem } from './support/offer.ts';
import {
  fundedAccount,
  newAccount,
  settled,
  sign,
  trustedAccount,
  v1,
  v2,
} from './support/payment.ts';
import { claimsOf } from './support/receipt.ts';
import { deployContractWallet } from './support/wallet.ts';
import {
  lookup,
  notarise,
  type ToolCall,
  translate,
  useSharedWorld,
  whoami,
} from './support/world.ts';

const world = useSharedWorld();
const WORD = /^0x[0-9a-f]{64}$/;
let account: LocalAccount;
beforeAll(async () => {
  account = await trustedAccount(world(), { reports: 2, balance: 1_000_000n });
});

type Status = {
  readonly payment: string;
  readonly answer?: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  readonly [member: string]: unknown;
};

const read = async (answer: Response): Promise<Status> => {
  expect(answer.status, await answer.clone().text()).toBe(200);
  expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
  expect(answer.headers.get('Content-Type')).toMatch(/^application\/json/);
  return (await answer.json()) as Status;
};

describe('a look-up by the payer', () => {
  it.each<[string, ToolCall, string, string]>([
    ['deferred', translate, 'translate', '20000'],
    ['upfront', notarise, 'notarise', '10000'],
  ])('returns the state and the answer of a call: %s', async (_, call, tool, price) => {
    const payment = await bind(world(), account, call);
    const first = await world().send(call, bound(payment));
    expect(first.status).toBe(200);
    const receipt = await claimsOf(world(), first);
    const text = await first.text();
    const before = await world().counts();
    await settled(world(), payment);
    await expect
      .poll(async () => (await read(await lookUp(world(), account, callOf(payment)))).payment, {
        timeout: 30_000,
        interval: 200,
      })
      .toBe('settled');
    const lookedUp = await lookUp(world(), account, callOf(payment));
    expect(await claimsOf(world(), lookedUp)).toMatchObject({
      ...{ call: callOf(payment), tool, binding: 'intent', charged: price, response: sha256(text) },
    });
    const { answer, ...status } = await read(lookedUp);
    expect(status).toEqual({
      ...{ call: callOf(payment), tool, request: receipt['request'], binding: 'intent' },
      ...{ state: 'committed', price, charged: price, paid_from: 'payment', payment: 'settled' },
      asset: `eip155:84532/erc20:${world().stack.description.usdc.toLowerCase()}`,
      transaction: expect.stringMatching(WORD) as string,
      accepted_at: expect.any(Number) as number,
      ...{ entry: receipt['entry'], policy: receipt['policy'] },
    });
    expect(answer?.status).toBe(200);
    expect(Buffer.from(answer?.body ?? '', 'base64').toString()).toBe(text);
    expect(answer?.headers['content-type']).toBe(first.headers.get('Content-Type'));
    expect(await world().counts()).toEqual(before);
  });

  it.each([
    ['v2', v2],
    ['v1', v1],
  ])(
    'returns the answer of a vanilla payment, which a bare repeat does not: %s',
    async (_, headers) => {
      const payment = await sign(world(), account, lookup);
      const text = await (await world().send(lookup, headers(payment))).text();
      const repeated = await readProblem(await world().send(lookup, headers(payment)));
      expect(kindOf(repeated)).toBe('already-used');
      expect(repeated.hint).toContain(`/calls/${callOf(payment)}`);
      const status = await read(await lookUp(world(), account, callOf(payment)));
      expect(status).toMatchObject({ binding: 'none', charged: '1000', tool: 'lookup' });
      expect(Buffer.from(status.answer?.body ?? '', 'base64').toString()).toBe(text);
    },
  );

  it('returns a call from credit, a free call and a failed call', async () => {
    const creditHolder = await creditedAccount(world(), { credit: 100_000n, balance: 0n });
    const flaky: ToolCall = { path: '/tools/flaky?status=500' };
    const paid = await signPaidIntent(world(), creditHolder, translate);
    const free = await signIntent(world(), creditHolder, whoami);
    const failed = await signPaidIntent(world(), creditHolder, flaky);
    for (const [signed, call, expected] of [
      [paid, translate, { paid_from: 'credit', charged: '20000', state: 'committed' }],
      [free, whoami, { paid_from: 'none', charged: '0', state: 'committed' }],
      [failed, flaky, { charged: '0', state: 'released' }],
    ] as const) {
      const text = await (await world().send(call, agentIntent(signed))).text();
      const status = await read(await lookUp(world(), creditHolder, digestOf(signed.intent)));
      expect(status).toMatchObject({ ...expected, binding: 'intent' });
      // A failed call is free, so its answer is not stored.
      const isKept = expected.state === 'committed';
      expect(status.answer === undefined).toBe(!isKept);
      expect(Buffer.from(status.answer?.body ?? '', 'base64').toString()).toBe(isKept ? text : '');
    }
  });

  it('of a running call returns its state and no answer', async () => {
    const hanging: ToolCall = { path: '/tools/flaky?hang=1' };
    const before = (await world().counts()).flaky;
    const payment = await bind(world(), account, hanging);
    const running = world().send(hanging, bound(payment));
    await expect
      .poll(async () => (await world().counts()).flaky, { timeout: 30_000, interval: 20 })
      .toBe(before + 1);
    const lookedUp = await lookUp(world(), account, callOf(payment));
    expect(lookedUp.headers.get('Agent-Receipt')).toBeNull();
    const status = await read(lookedUp);
    expect(status).toMatchObject({ state: 'held', payment: 'held', tool: 'flaky' });
    expect(status.answer).toBeUndefined();
    expect((await running).status).toBe(504);
    const ended = await read(await lookUp(world(), account, callOf(payment)));
    expect(ended).toMatchObject({ state: 'released', payment: 'released', charged: '0' });
    expect((await world().counts()).flaky).toBe(before + 1);
  });

  it('never runs a tool, and a hundred of them change nothing', async () => {
    const payment = await bind(world(), account, translate);
    await world().send(translate, bound(payment));
    await settled(world(), payment);
    const before = await world().counts();
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => await lookUp(world(), account, callOf(payment))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await world().counts()).toEqual(before);
  });
});

describe('a look-up by another account', () => {
  it('gets the same answer as for a call that never existed', async () => {
    const payment = await bind(world(), account, translate);
    await world().send(translate, bound(payment));
    const stranger = await trustedAccount(world(), { reports: 1, balance: 1n });
    const problems: Problem[] = [];
    for (const [by, id] of [
      [stranger, callOf(payment)],
      [await fundedAccount(world(), 1n), callOf(payment)],
      [newAccount(), callOf(payment)],
      [account, `0x${'ab'.repeat(32)}` as Hex],
    ] as const) {
      const answer = await lookUp(world(), by, id);
      expect(answer.status).toBe(404);
      problems.push(await readProblem(answer));
    }
    expect(kindOf(problems[0] as Problem)).toBe('unknown-call');
    const texts = problems.map((problem) =>
      JSON.stringify(problem).replaceAll(/0x[0-9a-f]{64}/g, ''),
    );
    expect(new Set(texts).size).toBe(1);
  });

  it("of a contract's call needs a signature that its code accepts, not any key", async () => {
    const owner = newAccount();
    const wallet = await deployContractWallet(world(), owner.address);
    await mint(world().client, wallet, 100_000n);
    const payer = { ...owner, address: wallet };
    const paid = await sign(world(), payer, lookup);
    expect((await world().send(lookup, v2(paid))).status).toBe(200);
    expect((await lookUp(world(), payer, callOf(paid))).status).toBe(200);
    const forged = await lookUp(world(), { ...newAccount(), address: wallet }, callOf(paid));
    expect([forged.status, kindOf(await readProblem(forged))]).toEqual([400, 'invalid-signature']);
  });
});

describe('a malformed look-up', () => {
  const id = `0x${'ab'.repeat(32)}`;

  it('without a signature gets everything it needs to sign', async () => {
    const payment = await bind(world(), account, translate);
    expect((await world().send(translate, bound(payment))).status).toBe(200);
    const call = callPath(callOf(payment));
    const answer = await world().send(call);
    expect(answer.status).toBe(401);
    const header = answer.headers.get('WWW-Authenticate') ?? '';
    const challenge = Object.fromEntries(
      [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
    );
    expect(header).toMatch(/^AgentIntent /);
    expect(challenge).toEqual({
      ...{ error: 'intent_required', chains: 'eip155:84532', max_validity: '300' },
      ...{ audience: world().stack.description.audience, tool: 'countersign.calls' },
    });
    const problem = await readProblem(answer);
    expect(kindOf(problem)).toBe('intent-required');
    expect(problem['docs']).toBe(`${world().stack.description.audience}/.well-known/agent-intent`);
    // The account built the request from the challenge alone, plus its address, a window and a nonce.
    const fields = problem['intent'] as Readonly<Record<string, string>>;
    const intent = {
      ...fields,
      // The challenge describes the request without its body, because the gateway reads none before it has seen a proof.
      payloadDigest: sha256(''),
      agent: account.address.toLowerCase(),
      maxAmount: BigInt(fields['maxAmount'] ?? 'none'),
      ...windowFromNow(-1, Number(challenge['max_validity']) - 1),
      nonce: `0x${'07'.repeat(32)}`,
      authority: `0x${'00'.repeat(32)}`,
    } as unknown as AgentIntent;
    const chain = Number(challenge['chains']?.slice('eip155:'.length));
    const signed = await signFields(account, intent, chain);
    const status = await read(await world().send(call, agentIntent(signed)));
    expect(status).toMatchObject({ call: callOf(payment) });
  });

  it('by another method is rejected', async () => {
    for (const method of ['POST', 'PUT', 'DELETE'])
      expect((await world().send({ ...callPath(id), method })).status).toBe(405);
  });
});
