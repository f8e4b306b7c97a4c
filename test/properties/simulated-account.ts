import { type CallRecord, isBounced } from '../../durable-objects/account/call/call-record.ts';
import type { Transfer } from '../../durable-objects/account/commands/transfer.ts';
import { exposed, purseOf } from '../../durable-objects/account/purse.ts';
import { type AccountState, emptyAccount } from '../../durable-objects/account/state.ts';
import { GENESIS } from '../../src/audit/entry.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { accountId, type AccountId, assetId } from '../../src/protocol/account-id.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { expect } from 'vitest';

export const START = 1_800_000_000;
export const hex = (n: number, bytes: number): Hex =>
  `0x${n.toString(16).padStart(bytes * 2, '0')}`;
export const payTo = hex(0xbb, 20);
export const token = {
  network: 'eip155:84532',
  address: hex(0xcc, 20),
  name: 'USDC',
  version: '2',
} as const;
export const asset = assetId(token.network, token.address);
export const PAYERS = [hex(0xa0, 20), hex(0xa1, 20)] as const;

export const EXPOSURE = 60n;
export const policy: Policy = {
  perCall: 35n,
  exposure: EXPOSURE,
  rate: { limit: 1_000, seconds: 60 },
  windows: [{ every: 'hour', limit: 55n }],
  deny: [],
  require: [],
};

/** An account, with what its storage would contain. */
export type SimulatedAccount = {
  readonly account: AccountId;
  readonly payer: Hex;
  state: AccountState;
  readonly records: Map<Hex, CallRecord>;
  readonly transfers: Map<string, Transfer>;
  readonly loose: Entry[];
  /** Hash of the log's head after each decision, by sequence number. */
  readonly heads: Map<number, Hex>;
  /** The payer's balance on the chain. */
  balance: bigint;
  /** Units taken by refunds and failed payments. Credit may be below its holds by at most this amount. */
  allowedDeficit: bigint;
  /** The operator's refunds on the chain, by Transfer log. */
  readonly refunds: Map<string, bigint>;
  /** The amount that the operator has refunded of each call. */
  readonly refundedCalls: Map<Hex, bigint>;
};

/** Tells whether a payment awaits settlement after its tool has answered. */
export const isOwed = ({ payment }: CallRecord): boolean =>
  payment === 'queued' || payment === 'sent';

export const idOf = (index: number): Hex => hex(index + 1, 32);

export const openAccount = (payer: Hex): SimulatedAccount => ({
  account: accountId(token.network, payer),
  payer,
  state: emptyAccount(accountId(token.network, payer)),
  records: new Map(),
  transfers: new Map(),
  loose: [],
  heads: new Map([[GENESIS.seq, GENESIS.hash]]),
  balance: 400n,
  allowedDeficit: 0n,
  refunds: new Map(),
  refundedCalls: new Map(),
});

/** Checks every limit of an account after a decision. */
export const checkBounds = (simulated: SimulatedAccount): void => {
  const purse = purseOf(simulated.state, asset);
  const { credit, creditHeld, deferredHeld, upfrontHeld, unsettled, settled } = purse;
  const held = [creditHeld, deferredHeld, upfrontHeld, unsettled, settled];
  const refunded = [...simulated.refunds.values()].reduce((sum, amount) => sum + amount, 0n);
  const bounced = [...simulated.records.values()]
    .filter((record) => isOwed(record) && isBounced(record))
    .reduce((sum, { price }) => sum + price, 0n);
  const within =
    purse.bounced === bounced &&
    purse.bouncedUntil > 0 === bounced > 0n &&
    held.every((amount) => amount >= 0n) &&
    // All of a top-up is credited, so all of it is charged.
    [...simulated.records.values()].every(
      ({ topUp, state, charged, price }) =>
        topUp === undefined || state !== 'committed' || charged === price,
    ) &&
    // Credit falls below its holds only through refunds and debts, never through spending.
    credit - creditHeld + simulated.allowedDeficit >= 0n &&
    // The window (law 6) and the exposure cap (law 7).
    Object.values(purse.windows).every((one) => one.held >= 0n && one.spent + one.held <= 55n) &&
    exposed(purse) <= EXPOSURE &&
    exposed(purse) <= settled + refunded;
  if (!within)
    expect({ ...purse, allowedDeficit: simulated.allowedDeficit }).toBe('within its bounds');
};
