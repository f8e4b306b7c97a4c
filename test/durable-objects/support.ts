import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { AgentAccount } from '../../durable-objects/agent-account.ts';
import type { Call, Outcome, PayerFacts } from '../../durable-objects/agent-account/contract.ts';
import { accountId, assetId, type Hex } from '../../src/core/account-id.ts';
import { nowSeconds } from '../../src/core/clock.ts';

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

export const stubOf = (payer: Hex): DurableObjectStub<AgentAccount> =>
  env.AGENT_ACCOUNT.getByName(accountId(token.network, payer));

/** A verified call of a payer, as the gateway would hand it over. */
export const callOf = (payer: Hex, changes: Partial<Call> = {}): Call => {
  const nonce = changes.call ?? randomHex(32);
  const price = changes.price ?? 1_000n;
  const validBefore = changes.validBefore ?? nowSeconds() + 3_600;
  return {
    account: accountId(token.network, payer),
    call: nonce,
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

/** Makes a payer trusted: one upfront call of `price`, settled in `block` and finished. */
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
  await stub.finish(call.call, attempt, success);
};

/** Names of the tables an account has made. */
export const tablesOf = (payer: Hex): Promise<string[]> =>
  runInDurableObject(stubOf(payer), (_, state) =>
    state.storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('account', 'calls', 'entries')",
      )
      .toArray()
      .map(({ name }) => name),
  );

export const snapshotOf = async (payer: Hex) => {
  const snapshot = await stubOf(payer).snapshot();
  if (!snapshot.known) throw new Error('no snapshot');
  return snapshot;
};

export const purseOf = async (payer: Hex) => {
  const purse = (await snapshotOf(payer)).purses[asset];
  if (purse === undefined) throw new Error('no purse');
  return purse;
};
