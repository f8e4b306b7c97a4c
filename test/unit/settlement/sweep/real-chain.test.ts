import { createExecutionContext, createScheduledController } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { usdc, usdcAbi } from '../../../../dev/stack/chain-access.ts';
import {
  type SignedAuthorization,
  signCancellation,
  submitCancellation,
} from '../../../../dev/stack/authorization.ts';
import { configOf } from '../../../support/deployed.ts';
import type { AccountId } from '../../../../src/protocol/account-id.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import worker from '../../../../src/index.ts';
import { collectSettlements } from '../../../durable-objects/sent-messages.ts';
import { failure, purseOf, randomHex, stubOf } from '../../../durable-objects/support.ts';
import { db } from '../../audit/database.ts';
import { differences, runs } from './ledger.ts';
import {
  chain,
  client,
  alice,
  payTo,
  first,
  clock,
  alerts,
  freshShop,
  sign,
  present,
  buy,
  exported,
  shop,
  reconcileOnce,
  reconcileNextDay,
  deliver,
  kinds,
  sender,
  lower,
} from './real-ledger.ts';

beforeEach(async () => {
  await freshShop();
  for (const level of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation(() => undefined);
  }
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('ledger and chain', () => {
  test('agree about settled payments: no difference, and equal sums', async () => {
    await shop();
    await reconcileOnce();
    await reconcileNextDay();
    expect(await differences(false)).toEqual([]);
    const sums = { chain_amount: '1007000', ledger_amount: '1007000' };
    const counts = { chain_payments: 3, ledger_payments: 3, state: 'complete' };
    expect(await runs()).toMatchObject([
      { kind: 'new', ...sums, ...counts },
      { kind: 'again', ...sums, ...counts },
      // Counts the blocks mined since the last run.
      { kind: 'new', chain_payments: 0 },
    ]);
    expect(alerts).toEqual([]);
  });

  test('agree about the money of a former payee, which counts on both sides', async () => {
    await shop();
    const payees = [lower(privateKeyToAddress(generatePrivateKey())), payTo];
    const [settled, unknown] = [await sign(9_000n, alice, payees[0]), await sign(8_000n)];
    await buy(settled, 'deferred');
    const call = settled.authorization.nonce;
    const seen = await present(settled);
    await stubOf(lower(alice.address)).settled([{ call, outcome: 'settled', ...seen }]);
    await buy(unknown, 'deferred');
    await present(unknown);
    await exported();
    await reconcileOnce(900, payees);
    const sums = { chain_amount: '1024000', ledger_amount: '1016000' };
    expect(await runs()).toMatchObject([{ kind: 'new', chain_payments: 5, ...sums }]);
    // The payment to the former payee moved, but its account does not know that yet.
    expect((await differences()).map(({ kind, call: nonce }) => [kind, nonce])).toEqual([
      ['unrecorded', unknown.authorization.nonce],
    ]);
  });

  test('agree when a payee was dropped: its payments are looked up one by one', async () => {
    await shop();
    await reconcileOnce(900, [lower(privateKeyToAddress(generatePrivateKey()))]);
    expect(await differences(false)).toEqual([]);
    const sums = { chain_amount: '1007000', ledger_amount: '1007000' };
    expect(await runs()).toMatchObject([{ chain_payments: 3, ledger_payments: 3, ...sums }]);
  });

  test('differ in exactly what was tampered with', async () => {
    const [, lost, raised] = await shop();
    const forged = await sign(9_000n);
    await buy(forged, 'deferred');
    const fake = { transaction: randomHex(32), block: Number(await client.getBlockNumber()) };
    const call = forged.authorization.nonce;
    await stubOf(lower(alice.address)).settled([{ call, outcome: 'settled', ...fake }]);
    await exported();
    // Removes one settlement from the ledger, and doubles the amount of another.
    const nonceOf = (signed?: SignedAuthorization) => signed?.authorization.nonce;
    await db.prepare('UPDATE calls SET payment = NULL WHERE call = ?1').bind(nonceOf(lost)).run();
    await db
      .prepare('UPDATE calls SET amount = amount * 2 WHERE call = ?1')
      .bind(nonceOf(raised))
      .run();
    // Settles a payment that no account accepted, and makes a plain transfer.
    const stray = await sign(5_000n);
    await present(stray);
    const gift = await client.writeContract({
      ...{ address: usdc.address, abi: usdcAbi, account: alice, functionName: 'transfer' },
      args: [payTo, 77n],
    });
    await client.waitForTransactionReceipt({ hash: gift });
    // The ledger shows a payment as settled whose nonce is cancelled on the chain.
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
    await reconcileOnce();

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
    expect(alerts).toHaveLength(4);
    // Repairs differences, which the next run then resolves.
    await db
      .prepare('UPDATE calls SET amount = amount / 2 WHERE call = ?1')
      .bind(nonceOf(raised))
      .run();
    await reconcileOnce();
    expect(await kinds()).toEqual([
      ...['missing', 'missing', 'unrecorded', 'unrecorded', 'unsolicited'],
    ]);
    expect(alerts).toHaveLength(4);
  });

  test("agree again after the account's recheck: a released payment that settled is credit", async () => {
    await shop();
    const signed = await sign(6_000n);
    await buy(signed, 'deferred', failure);
    // The payment's last observation came before its settlement, on a chain that was reorganised later.
    const { nonce: call } = signed.authorization;
    const payer = lower(alice.address);
    await stubOf(payer).settled([{ call, outcome: 'released' }]);
    const { transaction } = await present(signed);
    await exported();
    const sent = await collectSettlements(payer);
    await reconcileOnce();
    expect(await differences()).toMatchObject([
      { kind: 'unrecorded', call, ledger: 'released', transaction_hash: transaction },
    ]);
    expect(sent).toMatchObject([{ kind: 'look', call }]);
    for (const each of [...sent, ...sent]) await deliver(each);
    expect((await purseOf(payer)).credit).toBe('6000');
    await exported();
    await reconcileOnce();
    expect(await differences(false)).toMatchObject([{ call, resolved_at: clock }]);
    expect(sent).toHaveLength(1);
    await reconcileNextDay();
    expect((await runs()).filter(({ kind }) => kind === 'again')).toMatchObject([
      { chain_amount: '1013000', ledger_amount: '1013000', differences: 0 },
    ]);
  });

  test('differ after a deep reorganisation, and the payment that is mined again has moved', async () => {
    const [, , signed] = await shop();
    if (signed === undefined) throw new Error('nothing was bought');
    await exported();
    const { nonce: call } = signed.authorization;
    await reconcileOnce();
    expect(await differences()).toEqual([]);

    const head = await client.getBlockNumber();
    const depth = Number(head) - first;
    await client.request({
      method: 'anvil_reorg' as never,
      params: [depth, []] as never,
    });
    await reconcileNextDay();
    const lost = await differences();
    expect(lost.map(({ kind }) => kind)).toEqual(['missing', 'missing', 'missing']);
    expect(lost.map((row) => row['call'])).toContain(call);
    expect(alerts).toHaveLength(3);

    const { transaction, block } = await present(signed);
    await reconcileOnce();
    await reconcileOnce();
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
        "INSERT INTO calls (account, call, state, first_seq, segment, seq, accepted_at) VALUES (?1, ?2, 'committed', 1, 0, 1, ?3)",
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
    await worker.scheduled(createScheduledController(), watching, createExecutionContext());
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
    await worker.scheduled(createScheduledController(), full, createExecutionContext());
    expect(raised.slice(0, 2)).toMatchObject([
      { alert: { rule: 'database_size', detail: { percent: 70 } } },
      { alert: { rule: 'database_size', detail: { percent: 90 } } },
    ]);
  });

  test('are not compared with an invalid configuration', async () => {
    const broken = { ...env, RECONCILE_DAYS: '0' } as unknown as Env;
    await worker.scheduled(createScheduledController(), broken, createExecutionContext());
    expect(await runs()).toEqual([]);
  });
});
