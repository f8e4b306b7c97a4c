import { encodeFunctionData, type Hex, type LocalAccount, multicall3Abi, parseEther } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { mint, multicall3, usdc, usdcAbi } from '../../dev/stack/chain-access.ts';
import { randomNonce, signAuthorization } from '../../dev/stack/authorization.ts';
import { people, person } from '../../dev/stack/people.ts';
import type { AgentIntent } from '../../src/protocol/intent/agent-intent.ts';
import { TRANSFER } from '../../src/settlement/chain/token-calls.ts';
import { accountOf, creditedAccount, rateLimitOf } from './support/credit.ts';
import { agentIntent, signIntent, signPaidIntent } from './support/intent.ts';
import { kindOf, readProblem } from './support/offer.ts';
import { fundedAccount, newAccount } from './support/payment.ts';
import { lookup, type ToolCall, useSharedWorld } from './support/world.ts';

const world = useSharedWorld();
const operator = privateKeyToAccount(people.operator.privateKey);
const payee = privateKeyToAccount(person('payee').privateKey);
const CREDIT = 300_000n;
const REFUND = 120_000n;

beforeAll(async () => {
  const { client } = world();
  for (const { address } of [operator, payee]) {
    await mint(client, address, 10_000_000n);
    await client.setBalance({ address, value: parseEther('1') });
  }
});

/** Pays USDC on the chain. */
const transfer = async (from: LocalAccount, to: Hex, amount: bigint): Promise<Hex> => {
  const { client } = world();
  const hash = await client.writeContract({
    ...{ account: from, address: usdc.address, abi: usdcAbi, functionName: 'transfer' },
    args: [to, amount],
  });
  expect((await client.waitForTransactionReceipt({ hash })).status).toBe('success');
  return hash;
};

const commandFor = (body: object): ToolCall => ({
  path: '/admin/credits/refunds',
  method: 'POST',
  body: JSON.stringify(body),
  contentType: 'application/json',
});

const sendCommand = async (
  by: LocalAccount,
  body: object,
  fields: Partial<AgentIntent> = {},
): Promise<Response> => {
  const call = commandFor(body);
  const tool = 'countersign.admin.credits.refund';
  const signed = await signIntent(world(), by, call, { tool, ...fields });
  return await world().send(call, agentIntent(signed));
};

const remainingCredit = async (account: LocalAccount): Promise<unknown> => {
  const signed = await signPaidIntent(world(), account, lookup);
  return rateLimitOf(await world().send(lookup, agentIntent(signed)), 'credit')?.r;
};

describe('a refund', () => {
  it.each([
    ['the operator', operator],
    ['the payee of the gateway', payee],
  ])('paid by %s is recorded once, with the amount from the chain', async (_, from) => {
    const account = await creditedAccount(world(), { credit: CREDIT, balance: 0n });
    const transaction = await transfer(from, account.address, REFUND);
    const body = { account: accountOf(account.address), transaction };
    const first = await sendCommand(operator, body);
    expect(first.status, await first.clone().text()).toBe(200);
    expect(first.headers.get('Cache-Control')).toBe('private, no-store');
    const recorded = {
      account: accountOf(account.address),
      asset: `eip155:84532/erc20:${world().stack.description.usdc.toLowerCase()}`,
      amount: REFUND.toString(),
      credit: (CREDIT - REFUND).toString(),
      ...{ transaction, log_index: expect.any(Number) as number },
    };
    expect(await first.json()).toEqual({ ...recorded, known: false });
    // One transfer is one refund, even under a new signature or in other letter case.
    for (const same of [
      body,
      { ...body, transaction: `0x${transaction.slice(2).toUpperCase()}` },
    ]) {
      const again = await sendCommand(operator, same);
      if (again.status === 200) expect(await again.json()).toEqual({ ...recorded, known: true });
      else expect((await readProblem(again)).field).toBe('transaction');
    }
    expect(await remainingCredit(account)).toBe(Number(CREDIT - REFUND) - 1_000);
    const refunds = async () =>
      (await world().audit.entries(accountOf(account.address))).filter(
        ({ type }) => type === 'credit.refunded',
      );
    await expect.poll(refunds, { timeout: 30_000, interval: 300 }).toMatchObject([
      {
        amounts: { amount: REFUND.toString() },
        payment: { transaction },
        evidence: {
          order: { agent: operator.address.toLowerCase() },
          signature: expect.stringMatching(/^0x[0-9a-f]{130}$/) as string,
        },
      },
    ]);
  });

  it('is recorded once when it arrives twenty times at once', async () => {
    const account = await creditedAccount(world(), { credit: CREDIT, balance: 0n });
    const transaction = await transfer(operator, account.address, REFUND);
    const body = { account: accountOf(account.address), transaction };
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => await sendCommand(operator, body)),
    );
    const known = await Promise.all(
      answers.map(async (answer) => ((await answer.json()) as { known: boolean }).known),
    );
    expect(known.filter((one) => !one)).toHaveLength(1);
    expect(await remainingCredit(account)).toBe(Number(CREDIT - REFUND) - 1_000);
  });
});

describe('a transaction with several refunds', () => {
  it('needs a log index, and each refund is recorded once', async () => {
    const { client } = world();
    const account = await creditedAccount(world(), { credit: CREDIT, balance: 0n });
    const calls = await Promise.all(
      [10_000n, 20_000n].map(async (value) => {
        const { authorization: signed, signature } = await signAuthorization({
          ...{ account: operator, token: usdc, to: account.address, value },
          ...{ validAfter: 0n, validBefore: 1n << 40n, nonce: randomNonce() },
        });
        const { from, to, validAfter, validBefore, nonce } = signed;
        const args = [from, to, value, validAfter, validBefore, nonce, signature] as const;
        const functionName = 'transferWithAuthorization';
        const callData = encodeFunctionData({ abi: usdcAbi, functionName, args });
        return { target: usdc.address as Hex, allowFailure: false, callData };
      }),
    );
    const transaction = await client.writeContract({
      ...{ account: operator, address: multicall3, abi: multicall3Abi },
      ...{ functionName: 'aggregate3', args: [calls] },
    });
    const { logs } = await client.waitForTransactionReceipt({ hash: transaction });
    const indexes = logs.filter(({ topics }) => topics.length === 3 && topics[0] === TRANSFER);
    expect(indexes).toHaveLength(2);
    const body = { account: accountOf(account.address), transaction };
    const ambiguous = await sendCommand(operator, body);
    expect([ambiguous.status, (await readProblem(ambiguous)).field]).toEqual([
      400,
      'body.log_index',
    ]);
    for (const known of [false, true])
      for (const [at, { logIndex }] of indexes.entries()) {
        const answer = await sendCommand(operator, { ...body, log_index: logIndex });
        expect(await answer.json()).toMatchObject({
          ...{ amount: at === 0 ? '10000' : '20000', log_index: logIndex, known },
        });
      }
    expect(await remainingCredit(account)).toBe(Number(CREDIT) - 30_000 - 1_000);
  });
});

describe('a refund command', () => {
  let account: LocalAccount;
  let transaction: Hex;
  beforeAll(async () => {
    account = await creditedAccount(world(), { credit: CREDIT, balance: 0n });
    transaction = await transfer(operator, account.address, REFUND);
  });
  const body = () => ({ account: accountOf(account.address), transaction });

  it('by anyone but an operator is rejected without details', async () => {
    for (const by of [account, payee, newAccount(), await fundedAccount(world(), 1_000n)])
      for (const about of [body(), { ...body(), transaction: `0x${'ab'.repeat(32)}` }]) {
        const answer = await sendCommand(by, about);
        expect(answer.status).toBe(403);
        const { type, title, status, detail, hint, ...more } = await readProblem(answer);
        expect([type, status]).toEqual(['urn:countersign:problem:forbidden', 403]);
        expect(more).toEqual({});
        expect(title + detail + hint).not.toContain(account.address.slice(2).toLowerCase());
      }
  });

  it.each<[string, Partial<AgentIntent>, string]>([
    ['another tool', { tool: 'countersign.credits' }, 'tool'],
    ['another body', { payloadDigest: `0x${'11'.repeat(32)}` }, 'payloadDigest'],
    ['another gateway', { audience: 'https://other.example' }, 'audience'],
    ['another method', { method: 'PUT' }, 'method'],
  ])('that the operator signed for %s is rejected', async (_, fields, field) => {
    const answer = await sendCommand(operator, body(), fields);
    expect(answer.status).toBe(400);
    expect((await readProblem(answer)).field).toBe(`Agent-Intent.intent.${field}`);
  });

  it('for a transaction without a refund to that account is rejected', async () => {
    const stranger = await fundedAccount(world(), 1_000_000n);
    await world().client.setBalance({ address: stranger.address, value: parseEther('1') });
    const gift = await transfer(stranger, account.address, 1_000n);
    const elsewhere = await transfer(operator, stranger.address, 1_000n);
    const ether = await world().client.sendTransaction({
      account: operator,
      to: account.address,
      value: 1n,
    });
    await world().client.waitForTransactionReceipt({ hash: ether });
    for (const [hash, status, kind] of [
      [`0x${'ab'.repeat(32)}`, 404, 'unknown-transaction'],
      [gift, 409, 'no-refund'],
      [elsewhere, 409, 'no-refund'],
      [ether, 409, 'no-refund'],
    ] as const) {
      const answer = await sendCommand(operator, { ...body(), transaction: hash });
      expect([answer.status, kindOf(await readProblem(answer))]).toEqual([status, kind]);
    }
    const wrongLog = await sendCommand(operator, { ...body(), log_index: 99 });
    expect([wrongLog.status, kindOf(await readProblem(wrongLog))]).toEqual([409, 'no-refund']);
  });

  it('leaves the credit unchanged when rejected, and works in its right form', async () => {
    expect(await remainingCredit(account)).toBe(Number(CREDIT) - 1_000);
    expect((await sendCommand(operator, body())).status).toBe(200);
    expect(await remainingCredit(account)).toBe(Number(CREDIT - REFUND) - 2_000);
  });

  it('above the credit leaves a debt', async () => {
    const small = await creditedAccount(world(), { credit: 10_000n, balance: 0n });
    const much = await transfer(operator, small.address, 15_000n);
    const answer = await sendCommand(operator, {
      account: accountOf(small.address),
      transaction: much,
    });
    expect(await answer.json()).toMatchObject({ amount: '15000', credit: '-5000' });
    const signed = await signPaidIntent(world(), small, lookup);
    const refused = await world().send(lookup, agentIntent(signed));
    expect([refused.status, (await readProblem(refused))['rule']]).toEqual([403, 'debt']);
  });
});
