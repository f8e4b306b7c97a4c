import type { AssetId } from '../../src/protocol/account-id.ts';
import type { Call } from '../../src/protocol/account/call.ts';
import { toStored } from '../../src/protocol/amount.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { WindowSpend } from '../../src/policy/window.ts';

/** The money of an account in one asset. Atomic units. */
export type Purse = {
  /** Prepaid money; negative is a debt, which refuses the account until it is cleared. */
  readonly credit: bigint;
  /** Part of the credit that running calls hold. */
  readonly creditHeld: bigint;
  /** Part of the credit that descendants have and have not spent; spent credit has left `credit`. */
  readonly creditLent: bigint;
  /** Part of `creditLent` that running calls of descendants hold, as last reported. */
  readonly creditHeldByDescendants: bigint;
  /** Payments of running calls that settle after the tool: exposure. */
  readonly deferredHeld: bigint;
  /** Payments that settle before their tool runs: they do not count as exposure, but the balance must cover them too. */
  readonly upfrontHeld: bigint;
  /**
   * Exposure: accepted payments whose tool has answered and that the chain has not settled yet. Counts all that they move, because the
   * balance must cover it even if a metered call charged less.
   */
  readonly unsettled: bigint;
  /** Part of `unsettled` that could not be presented because of the payer: while it is open, the payer gets no deferred service (law 7). */
  readonly bounced: bigint;
  /** When the last of those payments can no longer move; 0 without one. */
  readonly bouncedUntil: Seconds;
  /** Everything that ever settled here: the limit of exposure (law 7). */
  readonly settled: bigint;
  /** The payer's token balance at `balanceBlock`, less what settled in later blocks. */
  readonly balance: bigint;
  readonly balanceBlock: number;
  readonly balanceAt: Seconds;
  /**
   * The allowance of Permit2, less what permits have settled in later blocks, and when the Worker read it. Absent until a permit needs it.
   */
  readonly allowance?: { readonly amount: bigint; readonly at: Seconds };
  /** Newest block of a settlement here: facts of a node that lags behind it would count that money again. */
  readonly settledBlock: number;
  readonly windows: Readonly<Record<string, WindowSpend>>;
};

export const EMPTY_PURSE: Purse = {
  credit: 0n,
  creditHeld: 0n,
  creditLent: 0n,
  creditHeldByDescendants: 0n,
  deferredHeld: 0n,
  upfrontHeld: 0n,
  unsettled: 0n,
  bounced: 0n,
  bouncedUntil: 0,
  settled: 0n,
  balance: 0n,
  balanceBlock: 0,
  balanceAt: 0,
  settledBlock: 0,
  windows: {},
};

type Purses = { readonly purses: Readonly<Record<AssetId, Purse>> };

export const purseOf = ({ purses }: Purses, asset: AssetId): Purse => purses[asset] ?? EMPTY_PURSE;

export const withPurse = <State extends Purses>(
  state: State,
  asset: AssetId,
  purse: Purse,
): State => ({ ...state, purses: { ...state.purses, [asset]: purse } });

/** Money that this payer has signed for and the chain has not moved yet: the balance must cover all of it. */
export const promised = (purse: Purse): bigint =>
  purse.deferredHeld + purse.upfrontHeld + purse.unsettled;

/** Whether Permit2 may transfer this payment and every accepted one. Only a permit needs that. */
export const isAllowed = (purse: Purse, { payment, price }: Pick<Call, 'payment' | 'price'>) =>
  payment?.permit === undefined || promised(purse) + price <= (purse.allowance?.amount ?? 0n);

/** Accepted service that is not paid yet (law 7). */
export const exposed = (purse: Purse): bigint => purse.deferredHeld + purse.unsettled;

/** Credit that is free to pay with: neither running calls nor descendants have it. */
export const freeCredit = (purse: Purse): bigint =>
  purse.credit - purse.creditHeld - purse.creditLent;

/** The unpaid amount of payments that could not be presented, and until when; undefined for a trusted account. */
export const suspensionOf = ({
  purses,
}: Purses): { readonly amount: bigint; readonly until: Seconds } | undefined => {
  const bounced = Object.values(purses).find((purse) => purse.bounced > 0n);
  return bounced && { amount: bounced.bounced, until: bounced.bouncedUntil };
};

/** As stored: amounts are numbers that were checked to be safe integers. */
type AsNumbers<Value> = {
  readonly [Name in keyof Value]: Value[Name] extends bigint ? number : Value[Name];
};

type StoredWindow = AsNumbers<WindowSpend>;

export type StoredPurse = Omit<AsNumbers<Purse>, 'windows' | 'allowance'> & {
  readonly allowance?: { readonly amount: number; readonly at: Seconds };
  readonly windows: Readonly<Record<string, StoredWindow>>;
};

export const encodePurse = ({ allowance, ...purse }: Purse): StoredPurse => ({
  ...purse,
  ...(allowance && { allowance: { ...allowance, amount: toStored(allowance.amount) } }),
  credit: toStored(purse.credit),
  creditHeld: toStored(purse.creditHeld),
  creditLent: toStored(purse.creditLent),
  creditHeldByDescendants: toStored(purse.creditHeldByDescendants),
  deferredHeld: toStored(purse.deferredHeld),
  upfrontHeld: toStored(purse.upfrontHeld),
  unsettled: toStored(purse.unsettled),
  bounced: toStored(purse.bounced),
  settled: toStored(purse.settled),
  balance: toStored(purse.balance),
  windows: mapValues(purse.windows, (window) => ({
    ...window,
    spent: toStored(window.spent),
    held: toStored(window.held),
    leased: toStored(window.leased),
    drawn: toStored(window.drawn),
    heldByDescendants: toStored(window.heldByDescendants),
  })),
});

export const decodePurse = ({ allowance, ...purse }: StoredPurse): Purse => ({
  ...purse,
  ...(allowance && { allowance: { ...allowance, amount: BigInt(allowance.amount) } }),
  credit: BigInt(purse.credit),
  creditHeld: BigInt(purse.creditHeld),
  creditLent: BigInt(purse.creditLent),
  creditHeldByDescendants: BigInt(purse.creditHeldByDescendants),
  deferredHeld: BigInt(purse.deferredHeld),
  upfrontHeld: BigInt(purse.upfrontHeld),
  unsettled: BigInt(purse.unsettled),
  bounced: BigInt(purse.bounced),
  settled: BigInt(purse.settled),
  balance: BigInt(purse.balance),
  windows: mapValues(purse.windows, (window) => ({
    ...window,
    spent: BigInt(window.spent),
    held: BigInt(window.held),
    leased: BigInt(window.leased),
    drawn: BigInt(window.drawn),
    heldByDescendants: BigInt(window.heldByDescendants),
  })),
});

export const mapValues = <From, To>(
  record: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Readonly<Record<string, To>> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
