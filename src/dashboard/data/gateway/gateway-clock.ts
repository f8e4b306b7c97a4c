import { nowSeconds, type Seconds } from '../../../core/clock.ts';

/** How far the clock of the gateway is ahead of this device's; undefined before its first answer. */
let ahead: Seconds | undefined;

/** Ignore slow answers: a device that slept meanwhile would take its sleep for a difference of the clocks. */
const LONGEST_WAIT: Seconds = 30;

/**
 * Takes the time of the gateway from an answer. If nothing in front of the gateway adds `Date`, as on a local stack, the clock of this
 * device must suffice.
 *
 * @param asked when the request was sent, by the clock of this device
 */
export const noteClock = ({ headers }: Response, asked: Seconds): void => {
  const now = nowSeconds();
  const date = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(date)) ahead ??= 0;
  else if (now - asked <= LONGEST_WAIT) ahead = Math.floor(date / 1000) - now;
};

/** The time at the gateway, Unix seconds. */
export const gatewayNow = (): Seconds => nowSeconds() + (ahead ?? 0);

/** A time that has certainly passed at the gateway: 0 before its first answer, because the clock of this device may be far ahead. */
export const passedAtGateway = (): Seconds => (ahead === undefined ? 0 : gatewayNow());
