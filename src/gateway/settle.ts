import { nowSeconds } from '../core/clock.ts';
import { err, type Result } from '../core/result.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { SettledNow, settleNow } from '../settlement/present/settle-now.ts';
import type { Gateway } from './gateway.ts';
import type { ReservedCall } from './paid-request.ts';
import { reserveSettled } from './reserve.ts';

/** How soon a caller may repeat a request whose payment has an unknown outcome, seconds. */
const UNKNOWN_PAUSE = 5;

/**
 * Settles an upfront payment before the tool runs, then reserves again with the result on the chain. An unknown outcome is 503 and never
 * 402: clients sign again on 402 and would pay twice (law 5). The settlement queue keeps observing the chain.
 */
export const settle = async (
  gateway: Gateway,
  reserved: ReservedCall,
  sinceBlock: number,
): Promise<Result<ReservedCall, Reason>> => {
  const { account, id: call, payment } = reserved.call;
  const network = payment?.token.network;
  const urls = network && gateway.config.rpcUrls.get(network);
  if (payment === undefined || urls === undefined) return err({ reason: 'internal' });
  const begun = nowSeconds();
  const settled = await settleLazily(
    {
      chain: {
        urls,
        confirmations: gateway.config.confirmations,
        onAnswered: (answered) =>
          gateway.chainHealth.note(payment.token.network, answered, nowSeconds()),
      },
      backends: gateway.backends,
      watches: gateway.watches,
    },
    { account, call, payment, sinceBlock },
    begun,
  );
  if (settled.outcome === 'unknown') {
    // Ends this attempt at the account, so that the next attempt need not wait until this one's hold expires.
    await reserveSettled(gateway, reserved, { settlement: { outcome: 'sent', backend: 'any' } });
    console.warn({ event: 'settlement_unknown', call, why: settled.why });
    return err({ reason: 'settlement_unknown', retryAfter: UNKNOWN_PAUSE });
  }
  const decided = await reserveSettled(gateway, reserved, { settlement: settled });
  if (decided.ok) {
    gateway.emit({
      event: `payment_${settled.outcome}`,
      network: payment.token.network,
      amount: payment.authorization.value,
      age: nowSeconds() - begun,
    });
  }
  return !decided.ok || settled.outcome === 'settled' ? decided : err(failureOf(settled));
};

/** Why a payment will not move. A nonce that is unused after `validBefore` is not the payer's fault. */
export const failureOf = (
  settled: Extract<SettledNow, { readonly outcome: 'failed' | 'released' }>,
): Reason => ({
  reason: 'settlement_failed',
  fault: settled.outcome === 'failed' ? settled.fault : 'gateway',
});

/**
 * Settles with code that the first upfront payment loads. If loading fails, nothing was presented, but the call is reserved, so the outcome
 * stays unknown until the chain shows it.
 */
const settleLazily: typeof settleNow = async (...all): Promise<SettledNow> => {
  let settlement;
  try {
    settlement = await import('../settlement/present/settle-now.ts');
  } catch (cause) {
    const why = `not loaded: ${String(cause)}`;
    return { outcome: 'unknown', why, observation: { kind: 'unknown', why } };
  }
  return settlement.settleNow(...all);
};
