import type { AccountId } from '../../protocol/account-id.ts';
import type { Hex } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import type { Authorization } from '../../protocol/payment.ts';

/** A payment that our own key is to move. */
export type Pending = {
  /** Payer and nonce: the token is the one of the network. */
  readonly key: string;
  readonly account: AccountId;
  readonly call: Hex;
  readonly authorization: Authorization;
  readonly signature: Hex;
  /** The newest block known when the call was accepted. */
  readonly sinceBlock: number;
  /** When it was taken over. */
  readonly at: Seconds;
  /** Somebody waits for it. */
  readonly urgent: boolean;
  /** Mined transactions in which it did not move. */
  readonly strikes: number;
};

export const keyOf = ({ from, nonce }: Pick<Authorization, 'from' | 'nonce'>): string =>
  `${from}:${nonce}`;

/** After so many mined failures a payment is refused: whoever burns our gas does it no more often. */
export const MOST_STRIKES = 3;

export const isRefused = ({ strikes }: Pick<Pending, 'strikes'>): boolean =>
  strikes >= MOST_STRIKES;

/** Within this time of validBefore a payment leaves at once, and may cost more gas (`feeLimit`). */
export const NEAR: Seconds = 120;
/** With less time left no transaction is begun: it would be mined too late, and fail at our cost. */
export const TOO_LATE: Seconds = 4;

const timeLeft = ({ authorization }: Pick<Pending, 'authorization'>, now: Seconds): Seconds =>
  Number(authorization.validBefore) - now;

export const isNear = (pending: Pick<Pending, 'authorization'>, now: Seconds): boolean =>
  timeLeft(pending, now) <= NEAR;

export const isTooLate = (pending: Pick<Pending, 'authorization'>, now: Seconds): boolean =>
  timeLeft(pending, now) < TOO_LATE;
