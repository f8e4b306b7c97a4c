import type { Seconds } from '../../../src/core/clock.ts';
import type { Call } from '../../../src/protocol/account/call.ts';
import { min } from '../../../src/protocol/amount.ts';
import { exposed, type Purse, purseOf, suspensionOf } from '../purse.ts';
import type { AccountState } from '../state.ts';

/** What must be left of an authorization when its tool has answered: an outage of the backends fits in. */
const SETTLE_ROOM: Seconds = 900;

/** A delivered payment that is open for longer hangs: with blocks of any rollup it takes a tenth of that. */
const SLOW_AFTER: Seconds = 60;

/** How long to wait for payments that hang. */
const SLOW_PAUSE: Seconds = 15;

/** How much more a payer may owe: under its cap, and under its last known balance (law 7). Atomic units. */
export const roomFor = (purse: Purse, exposure: bigint): bigint =>
  min(exposure, purse.balance) - exposed(purse);

/**
 * Whether the payment of a call may come after its tool at all. A price that never fits under the exposure cap is settled before the tool,
 * and so is what a contract has signed, because it may take its word back (§4.7), and what a payer owes next whose last payment bounced.
 */
export const mayWait = (
  state: AccountState,
  { settlement, contractCheckedAt, price }: Call,
  exposure: bigint,
): boolean =>
  settlement === 'deferred' &&
  !state.hasCode &&
  contractCheckedAt === undefined &&
  price <= exposure &&
  suspensionOf(state) === undefined;

/**
 * Law 7: never owe us more than what already settled here. A hundred fresh keys passing one dollar along fail here. An authorization
 * that may end before the Queue has surely presented it would be our loss each time: it moves first.
 */
export const mayDefer = (
  state: AccountState,
  call: Call,
  exposure: bigint,
  now: Seconds,
): boolean => {
  const purse = purseOf(state, call.asset);
  const lasts = call.validBefore - now >= call.timeoutSeconds + SETTLE_ROOM;
  return mayWait(state, call, exposure) && lasts && exposed(purse) + call.price <= purse.settled;
};

/**
 * How long to wait for room that settlements do not make, seconds; undefined while they do. `since`: of the longest open payment.
 * That it hangs is our trouble and no fault of the payer's.
 */
export const settlesSlowly = (since: Seconds | undefined, now: Seconds): Seconds | undefined =>
  since !== undefined && now - since >= SLOW_AFTER ? SLOW_PAUSE : undefined;
