import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { err } from '../../../../src/core/result.ts';
import { parseConfig } from '../../../../src/config/config.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { openSigner } from '../../../../src/crypto/signer.ts';
import { call } from '../../../../src/gateway/call.ts';
import type { Gateway } from '../../../../src/gateway/gateway.ts';
import { openReplayCache } from '../../../../src/gateway/replay.ts';
import type { Evidence } from '../../../../src/protocol/account/call.ts';
import type { EntryPage } from '../../../../src/protocol/entry.ts';
import type { Payment } from '../../../../src/protocol/payment.ts';
import { openChainHealth } from '../../../../src/settlement/chain/health.ts';
import { consumeSettlement } from '../../../../src/settlement/consumer.ts';
import {
  callOf,
  caughtUp,
  entriesOf,
  factsOf,
  intentCallOf,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  token,
  topUp,
  trust,
} from '../../support.ts';
import { soldBy } from '../../../unit/gateway/fixture.ts';
import {
  chain,
  facilitator,
  freshPayer,
  headBlock,
  payTo,
  rpc,
  signPayment,
} from '../../../unit/settlement/real-chain.ts';
import { backendsAt, messageFor } from '../../../unit/settlement/scripted.ts';
import toolsJson from '../../../../tools.json';
import { type Address, parseAbi, parseEther } from 'viem';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

/** Objects, chain, Circle's USDC and the official facilitator are real. Only the tool is a stub that counts its runs. */
const FUNDS = 1_000_000n;
const FURTHER = 20;

let payer: Awaited<ReturnType<typeof freshPayer>>;
let gateway: Gateway;
let runs: number;

beforeEach(async () => {
  payer = await freshPayer(FUNDS);
  gateway = await openGateway();
  runs = 0;
  const real = globalThis.fetch.bind(globalThis);
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== 'https://upstream.example') return real(input, init);
    runs += 1;
    return Response.json({ word: 'river' });
  });
  // Gives the payer a settled payment.
  await trust(addressOf(), FUNDS, FUNDS, await headBlock());
});
afterEach(() => vi.unstubAllGlobals());

const addressOf = () => payer.address.toLowerCase() as Address;

const openGateway = async (): Promise<Gateway> => {
  const config = parseConfig(env, toolsJson);
  const signer = await openSigner(env.RECEIPT_KEY);
  if (!config.ok || !signer.ok) throw new Error('the test gateway is misconfigured');
  return {
    config: config.value,
    catalogue: soldBy(config.value),
    signer: signer.value,
    backends: backendsAt([facilitator]),
    chainHealth: openChainHealth(),
    watches: new Map(),
    emit: () => undefined,
    account: (id) => env.AGENT_ACCOUNT.getByName(id),
    offeredGrants: { issuerOf: async () => undefined, keep: async () => undefined },
    rateLimit: async () => true,
    replayCache: openReplayCache(),
    service: () => undefined,
    openEgress: async () => err({ reason: 'secret_unavailable' }),
    openCard: async () => err({ reason: 'secret_unavailable' }),
    raise: async () => true,
    waitUntil: () => undefined,
  };
};

/** Calls a deferred tool with a new payment, as an x402 client does. */
const buy = async (): Promise<{ readonly answer: Response; readonly payment: Payment }> => {
  const payment = await signPayment(payer);
  const { authorization, signature } = payment;
  const payload = {
    x402Version: 2,
    accepted: {
      scheme: 'exact',
      network: token.network,
      amount: authorization.value.toString(),
      asset: token.address,
      payTo,
      maxTimeoutSeconds: 3_600,
      extra: { name: 'USDC', version: '2' },
    },
    payload: {
      signature,
      authorization: {
        ...authorization,
        value: authorization.value.toString(),
        validAfter: '0',
        validBefore: authorization.validBefore.toString(),
      },
    },
  };
  const request = new Request('https://gateway.example/tools/lookup?word=river', {
    headers: { 'PAYMENT-SIGNATURE': btoa(JSON.stringify(payload)) },
  });
  return { answer: await call(gateway, request), payment };
};

/** Delivers a payment's message to the settlement queue's consumer. */
const settle = async (payment: Payment, facilitators = [facilitator]): Promise<void> =>
  consumeSettlement(
    [
      {
        id: crypto.randomUUID(),
        body: messageFor(payment, { sinceBlock: await headBlock() }),
        attempts: 1,
        ack: () => undefined,
        retry: () => undefined,
      },
    ],
    {
      chains: new Map([[token.network, { urls: [rpc], confirmations: 1 }]]),
      backends: backendsAt(facilitators),
      presentations: new Map(),
      attempts: { record: async () => undefined, forget: async () => undefined },
      recordHealth: async () => undefined,
      emit: () => undefined,
      account: (id) => env.AGENT_ACCOUNT.getByName(id),
      queue: 'countersign-settlement',
      deadLetter: async () => undefined,
      sendAgain: async () => undefined,
    },
    nowSeconds(),
  );

const blacklisting = parseAbi([
  'function blacklister() view returns (address)',
  'function blacklist(address account)',
  'function unBlacklist(address account)',
]);

/** Calls a function of USDC as its blacklister, whose address the contract returns. */
const asBlacklister = async (functionName: 'blacklist' | 'unBlacklist'): Promise<void> => {
  const { client } = chain;
  const usdc = { address: chain.usdc, abi: blacklisting } as const;
  const account = await client.readContract({ ...usdc, functionName: 'blacklister' });
  await client.impersonateAccount({ address: account });
  await client.setBalance({ address: account, value: parseEther('1') });
  const hash = await client.writeContract({
    ...usdc,
    account,
    functionName,
    args: [payer.address],
  });
  await client.waitForTransactionReceipt({ hash });
};

const bouncesOf = async (): Promise<readonly unknown[]> => {
  const stub = env.AGENT_ACCOUNT.getByName(`${token.network}:${addressOf()}`);
  await stub.snapshot();
  const happened = (await stub.entries(0, 0, 100)) as EntryPage;
  if (happened.verdict !== 'found') throw new Error(happened.verdict);
  return happened.entries.flatMap(({ type, payment }) =>
    type === 'payment.bounced' ? [(payment as { readonly reason?: unknown }).reason] : [],
  );
};

const buyMore = async () => {
  const answers: { readonly status: number; readonly body: Record<string, unknown> }[] = [];
  for (let bought = 0; bought < FURTHER; bought += 1) {
    const { answer } = await buy();
    answers.push({ status: answer.status, body: await answer.json() });
  }
  return answers;
};

describe('after the payment of a served call has bounced', () => {
  test('trusts a blacklisted payer no more: one call settles first, the others are denied', async () => {
    const { answer, payment } = await buy();
    expect([answer.status, runs]).toEqual([200, 1]);
    await asBlacklister('blacklist');
    await settle(payment);
    expect(await bouncesOf()).toEqual(['refused']);

    const [first, ...others] = await buyMore();
    expect(runs).toBe(1);
    expect(first).toMatchObject({
      status: 503,
      body: { type: 'urn:countersign:problem:settlement-unknown' },
    });
    for (const other of others) {
      expect(other).toMatchObject({
        status: 429,
        body: {
          type: 'urn:countersign:problem:denied',
          rule: 'suspended',
          retry_allowed: true,
          spent: '1000',
          resets_at: Number(payment.authorization.validBefore),
        },
      });
    }
  });

  test('trusts the payer again as soon as that payment has settled', async () => {
    const { payment } = await buy();
    await asBlacklister('blacklist');
    await settle(payment);
    await asBlacklister('unBlacklist');
    await settle(payment);
    const { answer } = await buy();
    expect([answer.status, runs]).toEqual([200, 2]);
    expect(answer.headers.get('PAYMENT-RESPONSE')).not.toBeNull();
    // The gateway deferred settlement, so the payment is unsettled now.
    expect((await purseOf(addressOf())).unsettled).toBe('1000');
  });

  test('serves a payer that has code now only if the code confirms the signature', async () => {
    const { payment } = await buy();
    await chain.client.setCode({ address: payer.address, bytecode: '0x00' });
    await settle(payment);
    expect(await bouncesOf()).toEqual(['code']);
    for (const { status, body } of await buyMore()) {
      expect([status, body['type'], body['fault']]).toEqual([
        400,
        'urn:countersign:problem:invalid-signature',
        'contract_refused',
      ]);
    }
    expect(runs).toBe(1);
  });

  test('denies a payer that has moved its money away', async () => {
    const { payment } = await buy();
    const abi = parseAbi(['function transfer(address to, uint256 value) returns (bool)']);
    const hash = await chain.client.writeContract({
      address: chain.usdc,
      abi,
      functionName: 'transfer',
      account: payer,
      args: ['0x00000000000000000000000000000000000000aa', FUNDS],
    });
    await chain.client.waitForTransactionReceipt({ hash });
    await settle(payment);
    expect(await bouncesOf()).toEqual(['unfunded']);
    for (const { status, body } of await buyMore()) {
      expect([status, body['rule']]).toEqual([429, 'balance']);
    }
    expect(runs).toBe(1);
  });
});

describe('an account that receives a bounce', () => {
  const TRUSTED = 1_000_000n;
  const bounced = { outcome: 'bounced', reason: 'refused', backend: 'relayer' } as const;
  const facts = () => ({ facts: factsOf(TRUSTED, 30) });

  /** A trusted payer with one call whose tool has answered and whose payment is unsettled. */
  const owing = async () => {
    const who = randomHex(20);
    await trust(who, TRUSTED, TRUSTED);
    const owed = callOf(who);
    const attempt = randomHex(16);
    const { verdict } = await stubOf(who).reserve(owed, attempt, facts());
    expect(verdict).toBe('go');
    await stubOf(who).finish(owed.id, attempt, success);
    return { who, owed };
  };
  const reserveOne = (who: Address, changes: Parameters<typeof callOf>[1] = {}) =>
    stubOf(who).reserve(callOf(who, changes), randomHex(16), facts());

  test('writes one row, once', async () => {
    const { who, owed } = await owing();
    const before = (await snapshotOf(who)).rowsWritten;
    await stubOf(who).settled([{ call: owed.id, ...bounced }]);
    await caughtUp(who);
    const after = (await snapshotOf(who)).rowsWritten;
    expect(after - before).toBe(1);
    await stubOf(who).settled([{ call: owed.id, ...bounced }]);
    await caughtUp(who);
    expect((await snapshotOf(who)).rowsWritten).toBe(after);
  });

  test('logs the reason and the expiry, without the signature, which could still be presented', async () => {
    const { who, owed } = await owing();
    await stubOf(who).settled([{ call: owed.id, ...bounced }]);
    const entry = (await entriesOf(who)).find(({ type }) => type === 'payment.bounced');
    expect(entry).toMatchObject({
      call: owed.id,
      payment: { reason: 'refused', until: owed.validBefore, backend: 'relayer' },
      amounts: { amount: '1000' },
    });
    expect(JSON.stringify(entry)).not.toContain(owed.payment?.signature);
  });

  test('lets one of 32 concurrent calls settle first and denies the others, also after an eviction', async () => {
    const { who, owed } = await owing();
    // All commands form one group, in which the bounce applies to the calls decided after it.
    const [, ...verdicts] = await Promise.all([
      stubOf(who).settled([{ call: owed.id, ...bounced }]),
      ...Array.from({ length: 32 }, () => reserveOne(who)),
    ]);
    await evictDurableObject(stubOf(who));
    const later = await reserveOne(who);
    const all = [...verdicts, later].map((each) =>
      each.verdict === 'denied' ? each.denial.rule : each.verdict,
    );
    expect(all.toSorted()).toEqual(['settle', ...Array<string>(32).fill('suspended')]);
  });

  test('requests fresh facts about its payer before it pays again', async () => {
    const { who, owed } = await owing();
    await stubOf(who).settled([{ call: owed.id, ...bounced }]);
    const ask = (evidence: Evidence) => stubOf(who).reserve(callOf(who), randomHex(16), evidence);
    expect(await ask({})).toEqual({ verdict: 'stale_payer' });
    const withCode = { facts: { ...factsOf(TRUSTED, 30), hasCode: true } };
    expect(await ask(withCode)).toMatchObject({
      verdict: 'denied',
      denial: { rule: 'validity' },
    });
  });

  test('still serves calls from credit and calls that settle first', async () => {
    const { who, owed } = await owing();
    await topUp(who, 5_000n);
    await stubOf(who).settled([{ call: owed.id, ...bounced }]);
    const paid = await stubOf(who).reserve(intentCallOf(who), randomHex(16), facts());
    expect(paid).toMatchObject({ verdict: 'go', paidFrom: 'credit' });
    for (let asked = 0; asked < 2; asked += 1) {
      expect(await reserveOne(who, { settlement: 'upfront', price: 100_000n })).toMatchObject({
        verdict: 'settle',
      });
    }
  });

  test.each([
    ['settled', { outcome: 'settled', transaction: randomHex(32), block: 21 }, 'go'],
    ['was written off', { outcome: 'failed', fault: 'gateway', reason: 'not_presented' }, 'go'],
    ['became a debt', { outcome: 'failed', fault: 'payer', reason: 'unfunded' }, 'debt'],
  ] as const)('trusts its payer as before once the payment has %s', async (_, end, expected) => {
    const { who, owed } = await owing();
    await stubOf(who).settled([{ call: owed.id, ...bounced }]);
    await stubOf(who).settled([{ call: owed.id, ...end }]);
    const verdict = await reserveOne(who);
    expect(verdict.verdict === 'denied' ? verdict.denial.rule : verdict.verdict).toBe(expected);
    // A bounce message that arrives late changes nothing.
    await stubOf(who).settled([{ call: owed.id, ...bounced }]);
    const again = await reserveOne(who);
    expect(again.verdict === 'denied' ? again.denial.rule : again.verdict).toBe(expected);
  });

  test('ignores a bounce for a call that was not served', async () => {
    const who = randomHex(20);
    await trust(who, TRUSTED, TRUSTED);
    const running = callOf(who);
    await stubOf(who).reserve(running, randomHex(16), facts());
    const first = callOf(who, { settlement: 'upfront' });
    await stubOf(who).reserve(first, randomHex(16), facts());
    const results = [running, first].map(({ id }) => ({ call: id, ...bounced }));
    await stubOf(who).settled(results);
    expect(await reserveOne(who)).toMatchObject({ verdict: 'go' });
  });
});
