import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import type { AgentAccount } from '../../durable-objects/account/agent-account.ts';
import type { CallRecord } from '../../durable-objects/account/call/call-record.ts';
import { CALL } from '../../durable-objects/account/call/stored-call.ts';
import { entriesAfter } from '../../durable-objects/account/log/feed.ts';
import type { Snapshot } from '../../durable-objects/account/snapshot.ts';
import { ACCOUNT, type AccountState } from '../../durable-objects/account/state.ts';
import type { Disk } from '../../durable-objects/store/disk.ts';
import { put } from '../../durable-objects/store/noun.ts';
import { openDisk } from '../../durable-objects/store/open-disk.ts';
import { entryHash, GENESIS } from '../../src/audit/entry.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import { type AccountId, accountId, assetId } from '../../src/protocol/account-id.ts';
import type { FinishVerdict } from '../../src/protocol/account/call-verdict.ts';
import type { Call, Outcome, PayerFacts } from '../../src/protocol/account/call.ts';
import type { Entry } from '../../src/protocol/entry.ts';

export const randomHex = (bytes: number): Hex =>
  `0x${Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;

export const token = {
  network: 'eip155:84532',
  address: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  name: 'USDC',
  version: '2',
} as const;
export const asset = assetId(token.network, token.address);
const payTo: Hex = `0x${'bb'.repeat(20)}`;

export const accountOf = (payer: Hex): AccountId => accountId(token.network, payer);

export const stubOf = (payer: Hex): DurableObjectStub<AgentAccount> =>
  env.AGENT_ACCOUNT.getByName(accountOf(payer));

/** A verified call of a payer, as the gateway sends it to the account. */
export const callOf = (payer: Hex, changes: Partial<Call> = {}): Call => {
  const nonce = changes.id ?? randomHex(32);
  const price = changes.price ?? 1_000n;
  const validBefore = changes.validBefore ?? nowSeconds() + 3_600;
  return {
    account: accountOf(payer),
    id: nonce,
    request: `0x${'11'.repeat(32)}`,
    tool: 'lookup',
    proof: 'x402',
    binding: 'none',
    settlement: 'deferred',
    onSilence: 'release',
    timeoutSeconds: 10,
    asset,
    payTo,
    price,
    validBefore,
    execute: true,
    payment: {
      token,
      signature: `0x${'33'.repeat(65)}`,
      maxTimeoutSeconds: 3_600,
      authorization: {
        from: payer,
        to: payTo,
        value: price,
        validAfter: 0n,
        validBefore: BigInt(validBefore),
        nonce,
      },
    },
    ...changes,
  };
};

/** A call with a signed intent and no payment, paid from credit. */
export const intentCallOf = (payer: Hex, changes: Partial<Call> = {}): Call => {
  const { payment: _, ...call } = callOf(payer, { proof: 'intent', binding: 'intent', ...changes });
  return call;
};

/** A top-up of the payer's own account or of another account, as `POST /credits` sends it. */
export const topUpOf = (payer: Hex, amount: bigint, changes: Partial<Call> = {}): Call =>
  callOf(payer, {
    tool: 'countersign.credits',
    binding: 'intent',
    settlement: 'upfront',
    price: amount,
    topUp: { to: accountOf(payer) },
    ...changes,
  });

export const factsOf = (balance: bigint, block = 10): PayerFacts => ({
  hasCode: false,
  balance,
  asset,
  block,
  nonceUsed: false,
  at: nowSeconds(),
});

export const success: Outcome = {
  success: true,
  status: 200,
  digest: `0x${'22'.repeat(32)}`,
  reason: 'answered',
  answer: { status: 200, headers: { 'content-type': 'text/plain' }, body: 'aGVsbG8=' },
};
export const failure: Outcome = {
  success: false,
  status: 500,
  digest: 'none',
  reason: 'upstream_status',
};

/** Makes a payer trusted: an upfront call of `price` settles in `block` and finishes. */
export const trust = async (
  payer: Hex,
  price: bigint,
  balance: bigint,
  block = 10,
): Promise<void> => {
  const stub = stubOf(payer);
  const call = callOf(payer, { price, settlement: 'upfront' });
  const attempt = randomHex(16);
  const first = await stub.reserve(call, attempt, { facts: factsOf(balance, block) });
  if (first.verdict !== 'settle') throw new Error(`expected settle, got ${first.verdict}`);
  const then = await stub.reserve(call, attempt, {
    settlement: { outcome: 'settled', transaction: randomHex(32), block },
  });
  if (then.verdict !== 'go') throw new Error(`expected go, got ${then.verdict}`);
  await stub.finish(call.id, attempt, success);
};

/** Takes an upfront call to its `go`: reserves it, settles it on the chain in `block`, and reserves it again. */
export const settleFirst = async (
  payer: Hex,
  call: Call,
  attempt: Hex,
  block = 10,
): Promise<void> => {
  const stub = stubOf(payer);
  // The balance comes from a node that has not processed this payment yet.
  const facts = factsOf(100_000_000_000_000n, block);
  const first = await stub.reserve(call, attempt, { facts });
  if (first.verdict !== 'settle') throw new Error(`expected settle, got ${JSON.stringify(first)}`);
  const then = await stub.reserve(call, attempt, {
    settlement: { outcome: 'settled', transaction: randomHex(32), block },
  });
  if (then.verdict !== 'go') throw new Error(`expected go, got ${then.verdict}`);
};

/** Makes a complete top-up, with the gateway's steps. */
export const topUp = async (
  payer: Hex,
  amount: bigint,
  changes: Partial<Call> = {},
): Promise<FinishVerdict> => {
  const call = topUpOf(payer, amount, changes);
  const attempt = randomHex(16);
  await settleFirst(payer, call, attempt);
  return stubOf(payer).finish(call.id, attempt, success);
};

/** Requests a snapshot, for which an account first stores the results that it has acknowledged and not stored yet. */
export const caughtUp = (payer: Hex): Promise<Snapshot> => stubOf(payer).snapshot();

/** Reads what an account has stored, or writes what the account itself would have stored. */
export const onDisk = async <T>(payer: Hex, work: (disk: Disk) => T): Promise<T> => {
  const snapshot = await caughtUp(payer);
  return runInDurableObject(stubOf(payer), (_, { storage }) => {
    const disk = openDisk(storage);
    // Accounts forget expired values at their alarm without a write, so do the same here.
    disk.brief(CALL);
    disk.forget({ now: nowSeconds(), exported: snapshot.known ? snapshot.exported : 0 });
    return work(disk);
  });
};

/** Stores that D1 has every entry, as the account's next write would. The caller must then evict the account. */
export const storeExported = (payer: Hex): Promise<void> =>
  onDisk(payer, (disk) => {
    const [account] = disk.find(ACCOUNT);
    if (account === undefined) throw new Error('no account');
    disk.write([put(ACCOUNT, { ...account, exported: account.head.seq })]);
  });

/** Runs the alarm of an account, even if none is set. */
export const ringNow = (payer: Hex): Promise<void> =>
  runInDurableObject(stubOf(payer), (account) => account.alarm());

/** Every call that an account has stored. */
export const callsOf = (payer: Hex): Promise<readonly CallRecord[]> =>
  onDisk(payer, (disk) => [...disk.find(CALL)]);

/** The stored state of an account. */
export const storedAccountOf = (payer: Hex): Promise<AccountState> =>
  onDisk(payer, (disk) => {
    const [account] = disk.find(ACCOUNT);
    if (account === undefined) throw new Error('no account');
    return account;
  });

/** Every stored entry of an account, in order. @throws Error if the chain of hashes is broken. */
export const entriesOf = async (payer: Hex): Promise<readonly Entry[]> => {
  const entries = await onDisk(payer, (disk) => entriesAfter(disk, 0, 1_000_000));
  let head = GENESIS;
  for (const entry of entries) {
    if (entry.seq !== head.seq + 1 || entry.prev !== head.hash) {
      throw new Error(`the chain of ${payer} is broken at ${entry.seq}`);
    }
    head = { seq: entry.seq, hash: entryHash(entry) };
  }
  return entries;
};

/** Names of an account's tables. */
export const tablesOf = (payer: Hex): Promise<string[]> =>
  runInDurableObject(stubOf(payer), (_, state) =>
    state.storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
      )
      .toArray()
      .map(({ name }) => name),
  );

/** The snapshot of an account without its rate limits, which recover with time, so that two snapshots can be equal. */
export const snapshotOf = async (payer: Hex) => {
  const snapshot = await stubOf(payer).snapshot();
  if (!snapshot.known) throw new Error('no snapshot');
  const purses = Object.entries(snapshot.purses).map(([of, { limits, ...money }]) => [
    of,
    { ...money, limits: limits.filter(({ rule }) => rule !== 'rate') },
  ]);
  return { ...snapshot, purses: Object.fromEntries(purses) as typeof snapshot.purses };
};

export const purseOf = async (payer: Hex) => {
  const purse = (await snapshotOf(payer)).purses[asset];
  if (purse === undefined) throw new Error('no purse');
  return purse;
};

/** Makes the next write of an account's storage fail. */
export const failNextWrite = (payer: Hex): Promise<void> =>
  runInDurableObject(stubOf(payer), (_, { storage }) => {
    vi.spyOn(storage.sql, 'exec').mockImplementationOnce(() => {
      throw new Error('disk full');
    });
  });
