import { createBoundedMap } from '../core/bounded-map.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { AssetId } from '../protocol/account-id.ts';
import { max, min } from '../protocol/amount.ts';

/** The state of `spend.total`, or of `spend.card.total`. Amounts in atomic units (USDC: millionths of a dollar). */
export type Spending = {
  /**
   * The most that all signatures that left the client can move, whatever the answers state. A call from credit counts as its maximum until
   * a verified receipt states its charge.
   */
  readonly signed: bigint;
  /** The sum that servers state they charged. */
  readonly charged: bigint;
  /** The amount that further signatures may still move: `spend.total` less `signed`. */
  readonly remaining: bigint;
};

/** Counts what an agent signs for under `spend.total`. Amounts in atomic units. */
export type Budget = {
  /** Counts a payment. Synchronous, so that parallel calls cannot pass the total together. */
  takePayment(amount: bigint): Result<Hold, Exhausted>;
  /** Counts a permit of `upto` whose receipt the agent trusts (`spend.trustReceipts`). */
  takePermit(amount: bigint): Result<Hold, Exhausted>;
  /**
   * Counts a call from credit, except the part that comes from a top-up of this agent: the budget counted that top-up when the agent signed
   * it.
   */
  takeCredit(key: CreditKey, amount: bigint): Result<Hold, Exhausted>;
  /** Records that a payment of this agent became credit. */
  addPrepaid(key: CreditKey, amount: bigint): void;
  /** Records what a server states that it charged. Negative: a receipt states less than the answer that it belongs to. */
  charge(amount: bigint): void;
  spending(): Spending;
};

/** An amount that the budget counts before the agent signs. */
export type Hold = {
  readonly amount: bigint;
  /** Returns the whole amount. Only for a signature that never left, or that can move nothing. */
  giveBack(): void;
  /** For a call from credit: returns the uncharged part of the agent's own top-up. */
  release(charged: bigint): void;
  /**
   * For a call from credit whose receipt verifies: returns the whole uncharged part. The audience that holds the credit has signed that it
   * took no more. Does nothing for a payment, because its holder can settle what it authorizes, whatever a receipt states; but works for a
   * permit of `takePermit`.
   */
  settle(charged: bigint): void;
};

/** The total does not cover an amount. */
export type Exhausted = { readonly remaining: bigint };

/**
 * Creates the budget of one agent. A signed authorization counts permanently: its holder can settle it, whatever the answer was. So does a
 * permit (`upto`), also after its deadline: only the chain shows how much of it was taken, and the client does not read the chain. An agent
 * may trust receipts in place of the chain.
 */
export const createBudget = (total: bigint): Budget => {
  let signed = 0n;
  let charged = 0n;
  const prepaid = new Map<CreditKey, bigint>();
  const prepaidAt = (key: CreditKey): bigint => prepaid.get(key) ?? 0n;

  const take = (
    amount: bigint,
    key?: CreditKey,
    settles = key !== undefined,
  ): Result<Hold, Exhausted> => {
    const covered = key === undefined ? 0n : min(prepaidAt(key), amount);
    const counted = amount - covered;
    if (signed + counted > total) return err({ remaining: total - signed });
    signed += counted;
    let unreturned = covered;
    if (key !== undefined) prepaid.set(key, prepaidAt(key) - covered);
    const returnPrepaid = (most: bigint): void => {
      const back = min(unreturned, max(most, 0n));
      unreturned -= back;
      if (key !== undefined) prepaid.set(key, prepaidAt(key) + back);
    };
    let isOpen = true;
    return ok({
      amount,
      giveBack: () => {
        if (!isOpen) return;
        isOpen = false;
        signed -= counted;
        returnPrepaid(amount);
      },
      release: (taken) => {
        if (!isOpen) return;
        isOpen = false;
        returnPrepaid(amount - taken);
      },
      settle: (taken) => {
        if (!isOpen || !settles) return;
        isOpen = false;
        const rest = max(amount - taken, 0n);
        signed -= min(counted, max(rest - covered, 0n));
        returnPrepaid(rest);
      },
    });
  };

  return {
    takePayment: (amount) => take(amount),
    takePermit: (amount) => take(amount, undefined, true),
    takeCredit: (key, amount) => take(amount, key),
    addPrepaid: (key, amount) => {
      prepaid.set(key, prepaidAt(key) + amount);
    },
    charge: (amount) => {
      charged += amount;
    },
    spending: () => ({ signed, charged, remaining: total - signed }),
  };
};

/** Names the credit of the agent in one asset at one audience. */
type CreditKey = string;

export const creditKey = (audience: string, asset: AssetId): CreditKey => `${asset} ${audience}`;

/** The agent's credit at gateways, as they last stated it, in atomic units. Only a hint: the gateway decides what credit covers. */
export type KnownCredit = {
  free(key: CreditKey): bigint;
  set(key: CreditKey, free: bigint): void;
  add(key: CreditKey, amount: bigint): void;
  forget(key: CreditKey): void;
};

/** Servers choose how many keys there are. */
const MAX_KEYS = 256;

export const createKnownCredit = (): KnownCredit => {
  const known = createBoundedMap<CreditKey, bigint>(MAX_KEYS);
  const free = (key: CreditKey): bigint => known.get(key) ?? 0n;
  const set = (key: CreditKey, amount: bigint): void => {
    if (amount > 0n) known.set(key, amount);
    else known.delete(key);
  };
  return {
    free,
    set,
    add: (key, amount) => set(key, free(key) + amount),
    forget: (key) => known.delete(key),
  };
};
