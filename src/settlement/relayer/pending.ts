import type { AccountId } from '../../protocol/account-id.ts';
import type { Hex } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import type { Authorization } from '../../protocol/payment.ts';

/** A payment that the relayer has taken. */
export type Pending = {
  /** Payer and nonce; a network has one token. */
  readonly key: string;
  readonly account: AccountId;
  readonly call: Hex;
  readonly authorization: Authorization;
  readonly signature: Hex;
  /** The newest block known when the call was accepted. */
  readonly sinceBlock: number;
  /** When it was taken. */
  readonly at: Seconds;
  /** A request waits for it. */
  readonly urgent: boolean;
  /** Mined transactions in which it did not move. */
  readonly strikes: number;
};

export const keyOf = ({ from, nonce }: Pick<Authorization, 'from' | 'nonce'>): string =>
  `${from}:${nonce}`;

/** Mined failures after which a payment is refused, so that it burns no more gas. */
export const MAX_STRIKES = 3;

export const isRefused = ({ strikes }: Pick<Pending, 'strikes'>): boolean => strikes >= MAX_STRIKES;

/** Closer to `validBefore` than this a payment is sent at once and may use the higher fee limit (`feeLimit`). */
export const NEAR: Seconds = 120;
/** With less time no transaction is sent: it would be mined too late and fail at our cost. */
export const TOO_LATE: Seconds = 4;

const remainingTime = ({ authorization }: Pick<Pending, 'authorization'>, now: Seconds): Seconds =>
  Number(authorization.validBefore) - now;

export const isNear = (pending: Pick<Pending, 'authorization'>, now: Seconds): boolean =>
  remainingTime(pending, now) <= NEAR;

export const isTooLate = (pending: Pick<Pending, 'authorization'>, now: Seconds): boolean =>
  remainingTime(pending, now) < TOO_LATE;
