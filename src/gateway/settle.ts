import { nowSeconds } from '../core/clock.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, type Result } from '../core/result.ts';
import type { settleNow, SettledNow } from '../settlement/present/settle-now.ts';
import type { Gateway } from './gateway.ts';
import { type Reserved, reserveSettled } from './reserve.ts';

/** How soon a caller may ask again about a payment whose outcome is unknown, seconds. */
const UNKNOWN_PAUSE = 5;

/**
 * Moves the money before the tool runs (design §6), then tells the account what the chain said. An unknown outcome is 503 and never
 * 402, because clients sign again on 402 and would pay twice (law 5); the account keeps asking the chain.
 */
export const settle = async (
  gateway: Gateway,
  reserved: Reserved,
  sinceBlock: number,
): Promise<Result<Reserved, Reason>> => {
  const { account, call, payment } = reserved.call;
  const network = payment?.token.network;
  const urls = network && gateway.config.rpcUrls.get(network);
  if (payment === undefined || urls === undefined) return err({ reason: 'internal' });
  const begun = nowSeconds();
  const settled = await settledNow(
    {
      chain: {
        urls,
        confirmations: gateway.config.confirmations,
        onAnswered: (answered) =>
          gateway.chainHealth.note(payment.token.network, answered, nowSeconds()),
      },
      backends: gateway.backends,
    },
    { account, call, payment, sinceBlock },
    begun,
  );
  if (settled.outcome === 'unknown') {
    // The account lets the next attempt try without waiting for this one's lease.
    await reserveSettled(gateway, reserved, { settlement: { outcome: 'sent', backend: 'any' } });
    console.warn({ event: 'settlement_unknown', call, why: settled.why });
    return err({ reason: 'settlement_unknown', retryAfter: UNKNOWN_PAUSE });
  }
  const told = await reserveSettled(gateway, reserved, { settlement: settled });
  if (told.ok) {
    gateway.emit({
      event: `payment_${settled.outcome}`,
      network: payment.token.network,
      amount: payment.authorization.value,
      age: nowSeconds() - begun,
    });
  }
  return !told.ok || settled.outcome === 'settled' ? told : err(failureOf(settled));
};

/** Why a payment will not move: a nonce that is unused after its time says nothing against the payer. */
export const failureOf = (
  settled: Extract<SettledNow, { readonly outcome: 'failed' | 'released' }>,
): Reason => ({
  reason: 'settlement_failed',
  fault: settled.outcome === 'failed' ? settled.fault : 'gateway',
});

/**
 * Settles by code that the first call which needs it loads: what is settled waits for a chain anyway. Where it cannot be loaded nothing
 * was presented, but the call is claimed, and what became of its payment is for the chain to say.
 */
const settledNow: typeof settleNow = async (...all): Promise<SettledNow> => {
  let settlement;
  try {
    settlement = await import('../settlement/present/settle-now.ts');
  } catch (cause) {
    return { outcome: 'unknown', why: `not loaded: ${String(cause)}` };
  }
  return settlement.settleNow(...all);
};
