import type { Seconds } from '../../../src/core/clock.ts';
import type { Call } from '../../../src/protocol/account/call.ts';
import { min } from '../../../src/protocol/amount.ts';
import { exposed, isAllowed, type Purse, purseOf, suspensionOf } from '../purse.ts';
import type { AccountState } from '../state.ts';

/** The validity that an authorization must still have when its tool has answered: enough for an outage of the backends. */
const SETTLE_MARGIN: Seconds = 900;

/** A delivered payment that is open for longer is slow: on any rollup, settlement takes a tenth of this time. */
const SLOW_AFTER: Seconds = 60;

/** `Retry-After` while payments are slow. */
const SLOW_PAUSE: Seconds = 15;

/** How much more service a payer may get unpaid: up to its cap, and up to its last known balance (law 7). Atomic units. */
export const remainingExposure = (purse: Purse, exposure: bigint): bigint =>
  min(exposure, purse.balance) - exposed(purse);

/**
 * Whether the payment of a call may settle after its tool at all. It settles first if the price exceeds the exposure cap, if a contract
 * has signed it (ERC-1271: a contract may withdraw its signature), or if a payment of this payer has bounced.
 */
export const mayEverDefer = (
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
 * Whether the payment may settle after its tool now. Law 7: exposure stays within the amount already settled here. Attack: a hundred fresh
 * keys pass one dollar along and each gets service on trust. An authorization that may expire before the queue has presented it settles
 * first, because the gateway would bear each loss. So does a permit that needs its approval of Permit2 first: another payment could use up
 * the approval's nonce.
 */
export const mayDefer = (
  state: AccountState,
  call: Call,
  exposure: bigint,
  now: Seconds,
): boolean => {
  const purse = purseOf(state, call.asset);
  const lasts = call.validBefore - now >= call.timeoutSeconds + SETTLE_MARGIN;
  return (
    mayEverDefer(state, call, exposure) &&
    lasts &&
    isAllowed(purse, call) &&
    exposed(purse) + call.price <= purse.settled
  );
};

/**
 * How long to wait while settlements are slow, seconds; undefined if they are not. The payer is not at fault for slow settlement.
 * @param since of the longest open payment.
 */
export const slowSettlementPause = (
  since: Seconds | undefined,
  now: Seconds,
): Seconds | undefined =>
  since !== undefined && now - since >= SLOW_AFTER ? SLOW_PAUSE : undefined;
