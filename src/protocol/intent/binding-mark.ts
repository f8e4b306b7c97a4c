/**
 * `validAfter` of a bound payment: 0x436F756E, "Coun" in ASCII, a moment in 2005 that no x402 client signs. The payer's signature
 * covers it, so a payment whose intent was stripped still shows that it is bound (CWE-757).
 */
export const BOUND_VALID_AFTER = 1_131_378_030n;

/** Values from `BOUND_VALID_AFTER` on: value + n stands for binding form n + 1. */
const RESERVED = 256n;

/** What `validAfter` of an authorization says about its binding. `unknown`: reserved for a form that this release does not know. */
export type BindingMark = 'none' | 'eip3009-nonce' | 'unknown';

/** Reads the binding mark of an authorization. */
export const bindingMarkOf = (validAfter: bigint): BindingMark => {
  if (validAfter === BOUND_VALID_AFTER) return 'eip3009-nonce';
  const isReserved = validAfter > BOUND_VALID_AFTER && validAfter < BOUND_VALID_AFTER + RESERVED;
  return isReserved ? 'unknown' : 'none';
};
