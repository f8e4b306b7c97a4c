import { createScheduledController, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { parseEther } from 'viem';
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { connectChain, usdc, usdcAbi } from '../../../../dev/stack/chain-access.ts';
import {
  randomNonce,
  signAuthorization,
  type SignedAuthorization,
  signCancellation,
  submitAuthorization,
  submitCancellation,
} from '../../../../dev/stack/authorization.ts';
import type { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import type { AlertBody } from '../../../../src/protocol/alert.ts';
import { configOf } from '../../../../src/app.ts';
import { storeChunk } from '../../../../src/audit/store.ts';
import type { AccountId } from '../../../../src/protocol/account-id.ts';
import type { Address, Hex } from '../../../../src/core/hex.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import worker from '../../../../src/index.ts';
import { observePayments } from '../../../../src/settlement/chain/observe-payments.ts';
import { readSettlementMessage } from '../../../../src/settlement/consumer.ts';
import { reconcile } from '../../../../src/settlement/sweep/reconcile.ts';
import { conclude } from '../../../../src/settlement/conclude.ts';
import {
  callOf,
  entriesOf,
  factsOf,
  failure,
  purseOf,
  randomHex,
  stubOf,
  success,
} from '../../../durable-objects/support.ts';
import { db, freshDatabase, messageOf } from '../../audit/database.ts';
import { differences, emptyTables, runs, site } from './ledger.ts';

const chain = connectChain(inject('fickleRpc'));
const { client } = chain;
const lower = (address: string) => address.toLowerCase() as Address;

let sender: PrivateKeyAccount;
let alice: PrivateKeyAccount;
let payTo: Address;
let first: number;

const funded = async (): Promise<PrivateKeyAccount> => {
  const account = privateKeyToAccount(generatePrivateKey());
  await client.setBalance({ address: account.address, value: parseEther('10') });
  await chain.fund(account.address, 100_000_000n);
  return account;
};

beforeEach(async () => {
  await freshDatabase();
  // State of the file before may survive the first reset of a file.
  await emptyTables();
  [sender, alice] = await Promise.all([funded(), funded()]);
  // Each test has its own receiver, so that it sees no other test's money.
  payTo = lower(privateKeyToAccount(generatePrivateKey()).address);
  first = Number(await client.getBlockNumber());
  for (const level of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation(() => undefined);
  }
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const sign = (value: bigint, from = alice): Promise<SignedAuthorization> =>
  signAuthorization({
    ...{ account: from, token: usdc, to: payTo, value, validAfter: 0n, nonce: randomNonce() },
    validBefore: BigInt(nowSeconds() + 3_600),
  });

/** Settles a payment on the chain, as a facilitator does. */
const present = async (signed: SignedAuthorization) => {
  const transaction = await submitAuthorization({ client, sender, token: usdc, signed });
  const { blockNumber } = await client.getTransactionReceipt({ hash: transaction });
  return { transaction, block: Number(blockNumber) };
};

/** A call of Alice that her account has accepted and its tool has answered. */
const buy = async (
  signed: SignedAuthorization,
  settlement: 'upfront' | 'deferred',
  outcome: typeof success = success,
): Promise<void> => {
  const { authorization, signature } = signed;
  const stub = stubOf(authorization.from);
  const attempt = randomHex(16);
  const call = callOf(authorization.from, {
    ...{ call: authorization.nonce, price: authorization.value, payTo, settlement },
    payment: { token: usdc, authorization, signature, maxTimeoutSeconds: 3_600 },
  });
  const facts = factsOf(100_000_000n, first);
  const verdict = await stub.reserve(call, attempt, { facts });
  if (verdict.verdict === 'settle') {
    const settled = { outcome: 'settled', ...(await present(signed)) } as const;
    expect(await stub.reserve(call, attempt, { settlement: settled })).toMatchObject({
      verdict: 'go',
    });
  } else expect(verdict).toMatchObject({ verdict: 'go' });
  await stub.finish(authorization.nonce, attempt, outcome);
};

/** Reports a settlement to the account, as the queue's consumer does. */
const settle = async (signed: SignedAuthorization): Promise<Hex> => {
  const seen = await present(signed);
  const { nonce: call, from } = signed.authorization;
  await stubOf(from).settled([{ call, outcome: 'settled', ...seen }]);
  return seen.transaction;
};

/** Exports everything that Alice's account has written to D1. */
const exported = async (): Promise<void> => {
  const message = await messageOf(await entriesOf(lower(alice.address)));
  expect(await storeChunk(db, message, nowSeconds())).toMatchObject({ ok: true });
};

/** An upfront payment, which allows deferred ones, and two deferred payments. */
const shop = async (): Promise<readonly SignedAuthorization[]> => {
  const signed = await Promise.all([sign(1_000_000n), sign(3_000n), sign(4_000n)]);
  await buy(signed[0], 'upfront');
  for (const each of signed.slice(1)) {
    await buy(each, 'deferred');
    await settle(each);
  }
  await exported();
  return signed;
};

const DAY = 86_400;
/** The next runs, at a time when every block is old enough. */
let clock = 0;
beforeEach(() => {
  clock = nowSeconds() + 2_000;
});

const told: AlertBody[] = [];
beforeEach(() => {
  told.length = 0;
});

const sweep = async (later = 900): Promise<void> => {
  await client.mine({ blocks: 3 });
  clock += later;
  await reconcile(
    {
      db,
      sites: [site({ urls: [chain.rpc], payTo, depth: 2, days: 5 })],
      account: (account) => env.AGENT_ACCOUNT.getByName(account),
      raise: async (alert) => {
        told.push(alert);
        return true;
      },
    },
    clock,
  );
};

/** The next day, on which the last days are compared again. */
const sweepAgain = () => sweep((Math.floor(clock / DAY) + 1) * DAY - clock);

/** The messages that an account sends to the settlement queue; none of them arrives. */
const messagesOf = async (payer: Hex): Promise<unknown[]> => {
  const sent: unknown[] = [];
  await runInDurableObject(stubOf(payer), (object: AgentAccount) => {
    const { SETTLEMENT_QUEUE: queue } = Reflect.get(object, 'env') as Env;
    vi.spyOn(queue, 'sendBatch').mockImplementation((messages) => {
      for (const { body } of messages) sent.push(body);
      return Promise.resolve({} as QueueSendBatchResponse);
    });
  });
  return sent;
};

/** Processes such a message as the consumer does. */
const deliver = async (message: unknown): Promise<void> => {
  const read = readSettlementMessage(message);
  if (!read.ok) throw new Error(read.error);
  const { account, call, transfer, kind } = read.value;
  const [observation] = await observePayments({ urls: [chain.rpc], confirmations: 1 }, [transfer]);
  const outcome = observation && conclude(kind, transfer, observation);
  if (outcome === undefined) throw new Error('nothing was seen');
  await env.AGENT_ACCOUNT.getByName(account).settled([{ call, ...outcome }]);
};

const kinds = async (): Promise<readonly string[]> =>
  (await differences()).map(({ kind }) => String(kind)).toSorted();

describe('ledger and chain', () => {
  test('agree about settled payments: no difference, and equal sums', async () => {
    await shop();
    await sweep();
    await sweepAgain();
    expect(await differences(false)).toEqual([]);
    const sums = { chain_amount: '1007000', ledger_amount: '1007000' };
    const counts = { chain_payments: 3, ledger_payments: 3, state: 'complete' };
    expect(await runs()).toMatchObject([
      { kind: 'new', ...sums, ...counts },
      { kind: 'again', ...sums, ...counts },
      // The blocks mined since.
      { kind: 'new', chain_payments: 0 },
    ]);
    expect(told).toEqual([]);
  });

  test('differ in exactly what was tampered with', async () => {
    const [, lost, raised] = await shop();
    const forged = await sign(9_000n);
    await buy(forged, 'deferred');
    const fake = { transaction: randomHex(32), block: Number(await client.getBlockNumber()) };
    const call = forged.authorization.nonce;
    await stubOf(lower(alice.address)).settled([{ call, outcome: 'settled', ...fake }]);
    await exported();
    // The ledger loses one settlement, and has twice the amount of another.
    const nonceOf = (signed?: SignedAuthorization) => signed?.authorization.nonce;
    await db.prepare('DELETE FROM payments WHERE call = ?1').bind(nonceOf(lost)).run();
    await db
      .prepare('UPDATE payments SET amount = amount * 2 WHERE call = ?1')
      .bind(nonceOf(raised))
      .run();
    // A payment settles that was never accepted, and a plain transfer arrives.
    const stray = await sign(5_000n);
    await present(stray);
    const gift = await client.writeContract({
      ...{ address: usdc.address, abi: usdcAbi, account: alice, functionName: 'transfer' },
      args: [payTo, 77n],
    });
    await client.waitForTransactionReceipt({ hash: gift });
    // The ledger has a payment as settled whose nonce is cancelled.
    const cancelled = await sign(2_000n);
    const { nonce } = cancelled.authorization;
    await buy(cancelled, 'deferred');
    const wrongly = { transaction: randomHex(32), block: Number(await client.getBlockNumber()) };
    await stubOf(lower(alice.address)).settled([{ call: nonce, outcome: 'settled', ...wrongly }]);
    await exported();
    await submitCancellation({
      ...{ client, sender, token: usdc, authorizer: alice.address, nonce },
      signature: await signCancellation({ account: alice, token: usdc, nonce }),
    });
    await sweep();

    const seen = (await differences()).map((row) => [
      ...[row['kind'], row['call'] ?? row['transaction_hash'], row['chain_amount']],
      ...[row['ledger'], row['informational']],
    ]);
    expect(new Set(seen.map((each) => each.join(' ')))).toEqual(
      new Set([
        `unrecorded ${nonceOf(lost)} 3000 open 0`,
        `amount ${nonceOf(raised)} 4000 settled 0`,
        `missing ${call}  settled 0`,
        `missing ${nonce}  settled 0`,
        `unrecorded ${stray.authorization.nonce} 5000 absent 1`,
        `unsolicited ${gift} 77 absent 1`,
      ]),
    );
    expect(told).toHaveLength(4);
    // Repaired differences are resolved.
    await db
      .prepare('UPDATE payments SET amount = amount / 2 WHERE call = ?1')
      .bind(nonceOf(raised))
      .run();
    await sweep();
    expect(await kinds()).toEqual([
      ...['missing', 'missing', 'unrecorded', 'unrecorded', 'unsolicited'],
    ]);
    expect(told).toHaveLength(4);
  });

  test("agree again after the account's recheck: a released payment that settled is credit", async () => {
    await shop();
    const signed = await sign(6_000n);
    await buy(signed, 'deferred', failure);
    // Its last look came before the payment, on a chain that was reorganised since.
    const { nonce: call } = signed.authorization;
    const payer = lower(alice.address);
    await stubOf(payer).settled([{ call, outcome: 'released' }]);
    const { transaction } = await present(signed);
    await exported();
    const sent = await messagesOf(payer);
    await sweep();
    expect(await differences()).toMatchObject([
      { kind: 'unrecorded', call, ledger: 'released', transaction_hash: transaction },
    ]);
    expect(sent).toMatchObject([{ kind: 'look', call }]);
    for (const each of [...sent, ...sent]) await deliver(each);
    expect((await purseOf(payer)).credit).toBe('6000');
    await exported();
    await sweep();
    expect(await differences(false)).toMatchObject([{ call, resolved_at: clock }]);
    expect(sent).toHaveLength(1);
    await sweepAgain();
    expect((await runs()).filter(({ kind }) => kind === 'again')).toMatchObject([
      { chain_amount: '1013000', ledger_amount: '1013000', differences: 0 },
    ]);
  });

  test('differ after a deep reorganisation, and the payment that is mined again has moved', async () => {
    const [, , signed] = await shop();
    if (signed === undefined) throw new Error('nothing was bought');
    await exported();
    const { nonce: call } = signed.authorization;
    await sweep();
    expect(await differences()).toEqual([]);

    const head = await client.getBlockNumber();
    const depth = Number(head) - first;
    await client.request({
      method: 'anvil_reorg' as never,
      params: [depth, []] as never,
    });
    await sweepAgain();
    const lost = await differences();
    expect(lost.map(({ kind }) => kind)).toEqual(['missing', 'missing', 'missing']);
    expect(lost.map((row) => row['call'])).toContain(call);
    expect(told).toHaveLength(3);

    const { transaction, block } = await present(signed);
    await sweep();
    await sweep();
    const moved = (await differences()).filter((row) => row['call'] === call);
    expect(moved).toMatchObject([{ kind: 'moved', block, transaction_hash: transaction }]);
    expect(await kinds()).toEqual([...['missing', 'missing', 'moved']]);
  });

  test("are compared by the cron trigger, which alerts the gateway's account", async () => {
    const signed = await sign(8_000n);
    await present(signed);
    await client.mine({ blocks: 3 });
    const { nonce: call, from } = signed.authorization;
    const account: AccountId = `eip155:84532:${from}`;
    await db
      .prepare(
        "INSERT INTO calls (account, call, state, seq, accepted_at) VALUES (?1, ?2, 'committed', 1, ?3)",
      )
      .bind(account, call, nowSeconds())
      .run();
    const orders: unknown[] = [];
    const looks: unknown[] = [];
    const watching = {
      ...env,
      ...{ PAY_TO: JSON.stringify({ 'eip155:84532': payTo }), RECONCILE_DEPTH: '2' },
      RPC_URLS: JSON.stringify({ 'eip155:84532': [chain.rpc] }),
      AGENT_ACCOUNT: {
        getByName: (name: string) => ({
          apply: async (order: unknown) => {
            orders.push([name, order]);
            return { verdict: 'applied', changed: true, acknowledged: [], silent: [] };
          },
          recheck: async (calls: unknown) => {
            looks.push([name, calls]);
            return { verdict: 'looking', calls: [] };
          },
        }),
      },
    } as unknown as Env;
    expect(configOf(watching)).toMatchObject({
      ok: true,
      value: { reconcileDepth: 2, reconcileDays: 3 },
    });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2_000_000 });
    await worker.scheduled(createScheduledController(), watching);
    expect(await runs()).toMatchObject([{ state: 'complete', chain_amount: '8000' }]);
    expect(looks).toEqual([[account, [call]]]);
    expect(orders).toEqual([
      [
        `eip155:84532:${payTo}`,
        {
          kind: 'alert',
          alert: {
            rule: 'reconciliation',
            detail: expect.objectContaining({ kind: 'unrecorded', call, ledger: 'open' }),
          },
        },
      ],
    ]);
  });

  test('do not keep the database size from being checked', async () => {
    const raised: unknown[] = [];
    const apply = async (order: unknown) => {
      raised.push(order);
      return { verdict: 'applied', changed: true, acknowledged: [], silent: [] };
    };
    const { meta } = await db.prepare('SELECT 1').all();
    const full = {
      ...env,
      DATABASE_MAX_BYTES: String(Math.max(1_000_000, meta.size_after)),
      AUDIT_DB: {
        prepare: (sql: string) =>
          sql.includes('database_alerts') && sql.startsWith('SELECT')
            ? { all: async () => ({ results: [], meta: { size_after: 10_000_000_000 } }) }
            : db.prepare(sql),
      },
      AGENT_ACCOUNT: { getByName: () => ({ apply }) },
    } as unknown as Env;
    await worker.scheduled(createScheduledController(), full);
    expect(raised.slice(0, 2)).toMatchObject([
      { alert: { rule: 'database_size', detail: { percent: 70 } } },
      { alert: { rule: 'database_size', detail: { percent: 90 } } },
    ]);
  });

  test('are not compared with an invalid configuration', async () => {
    const broken = { ...env, RECONCILE_DAYS: '0' } as unknown as Env;
    await worker.scheduled(createScheduledController(), broken);
    expect(await runs()).toEqual([]);
  });
});
