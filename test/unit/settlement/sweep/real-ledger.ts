import { env } from 'cloudflare:workers';
import { parseEther } from 'viem';
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { expect, inject } from 'vitest';
import { connectChain, usdc } from '../../../../dev/stack/chain-access.ts';
import {
  randomNonce,
  signAuthorization,
  type SignedAuthorization,
  submitAuthorization,
} from '../../../../dev/stack/authorization.ts';
import type { AlertBody } from '../../../../src/protocol/alert.ts';
import { storeChunk } from '../../../../src/audit/store.ts';
import type { Address, Hex } from '../../../../src/core/hex.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { observePayments } from '../../../../src/settlement/chain/observe-payments.ts';
import { readSettlementMessage } from '../../../../src/settlement/read-message.ts';
import { reconcile } from '../../../../src/settlement/sweep/reconcile.ts';
import { conclude } from '../../../../src/settlement/conclude.ts';
import {
  callOf,
  entriesOf,
  factsOf,
  randomHex,
  stubOf,
  success,
} from '../../../durable-objects/support.ts';
import { db, freshDatabase, messageOf } from '../../audit/database.ts';
import { differences, emptyTables, site } from './ledger.ts';

export const chain = connectChain(inject('fickleRpc'));

export const { client } = chain;

export const lower = (address: string) => address.toLowerCase() as Address;

export let sender: PrivateKeyAccount;

export let alice: PrivateKeyAccount;

export let payTo: Address;

export let first: number;

const funded = async (): Promise<PrivateKeyAccount> => {
  const account = privateKeyToAccount(generatePrivateKey());
  await client.setBalance({ address: account.address, value: parseEther('10') });
  await chain.fund(account.address, 100_000_000n);
  return account;
};

/** Empties the database, and gives the next test its own people, payee and clock. */
export const freshShop = async (): Promise<void> => {
  await freshDatabase();
  // State of the previous test file may survive a file's first reset.
  await emptyTables();
  [sender, alice] = await Promise.all([funded(), funded()]);
  // Each test has its own payee, so that it sees no other test's money.
  payTo = lower(privateKeyToAccount(generatePrivateKey()).address);
  first = Number(await client.getBlockNumber());
  clock = nowSeconds() + 2_000;
  alerts.length = 0;
};

export const sign = (value: bigint, from = alice, to = payTo): Promise<SignedAuthorization> =>
  signAuthorization({
    ...{ account: from, token: usdc, to, value, validAfter: 0n, nonce: randomNonce() },
    validBefore: BigInt(nowSeconds() + 3_600),
  });

/** Settles a payment on the chain, as a facilitator would. */
export const present = async (signed: SignedAuthorization) => {
  const transaction = await submitAuthorization({ client, sender, token: usdc, signed });
  const { blockNumber } = await client.getTransactionReceipt({ hash: transaction });
  return { transaction, block: Number(blockNumber) };
};

/** A call by Alice that her account has accepted and whose tool has answered. */
export const buy = async (
  signed: SignedAuthorization,
  settlement: 'upfront' | 'deferred',
  outcome: typeof success = success,
): Promise<void> => {
  const { authorization, signature } = signed;
  const stub = stubOf(authorization.from);
  const attempt = randomHex(16);
  const call = callOf(authorization.from, {
    ...{ id: authorization.nonce, price: authorization.value, payTo: authorization.to },
    settlement,
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

/** Reports a settlement to the account, as the settlement consumer does. */
const settle = async (signed: SignedAuthorization): Promise<Hex> => {
  const seen = await present(signed);
  const { nonce: call, from } = signed.authorization;
  await stubOf(from).settled([{ call, outcome: 'settled', ...seen }]);
  return seen.transaction;
};

/** Exports all entries of Alice's account to D1. */
export const exported = async (): Promise<void> => {
  const message = await messageOf(await entriesOf(lower(alice.address)));
  expect(await storeChunk(db, message, nowSeconds())).toMatchObject({ ok: true });
};

/** Makes an upfront payment, which allows deferred ones, and two deferred payments. */
export const shop = async (): Promise<readonly SignedAuthorization[]> => {
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

/** The time of the next run, at which every block is old enough. */
export let clock = 0;

/** The alerts that the reconciliation raised in this test. */
export const alerts: AlertBody[] = [];

export const reconcileOnce = async (later = 900, payees = [payTo]): Promise<void> => {
  await client.mine({ blocks: 3 });
  clock += later;
  await reconcile(
    {
      db,
      sites: [site({ urls: [chain.rpc], payees, depth: 2, days: 5 })],
      account: (account) => env.AGENT_ACCOUNT.getByName(account),
      raise: async (alert) => {
        alerts.push(alert);
        return true;
      },
    },
    clock,
  );
};

/** Runs on the next day, when the reconciliation compares the last days again. */
export const reconcileNextDay = () => reconcileOnce((Math.floor(clock / DAY) + 1) * DAY - clock);

/** Processes one of these messages as the consumer does. */
export const deliver = async (message: unknown): Promise<void> => {
  const read = readSettlementMessage(message);
  if (!read.ok) throw new Error(read.error);
  const { account, call, transfer, kind } = read.value;
  const [observation] = await observePayments({ urls: [chain.rpc], confirmations: 1 }, [transfer]);
  const outcome = observation && conclude(kind, transfer, observation);
  if (outcome === undefined) throw new Error('nothing was seen');
  await env.AGENT_ACCOUNT.getByName(account).settled([{ call, ...outcome }]);
};

export const kinds = async (): Promise<readonly string[]> =>
  (await differences()).map(({ kind }) => String(kind)).toSorted();
