import type { Hex } from 'viem';
import type { RecordedCall } from '../support/account-records.ts';
import type { ByNonce } from './final-state.ts';
import type { Purchase } from './purchase.ts';

/**
 * Checks that no client pays twice for one purchase and no tool runs twice (law 3).
 *
 * @returns how many purchases or nonces were paid twice.
 */
export const checkClients = (
  purchases: readonly Purchase[],
  calls: ReadonlyMap<Hex, RecordedCall>,
  moved: ByNonce,
  violations: string[],
): number => {
  let twice = [...moved].filter(([nonce, all]) => nonce !== undefined && all.length > 1).length;
  for (const { number, payer, nonces, replies, runs, product } of purchases) {
    const name = `purchase ${number} of ${payer.name} (${product})`;
    if (nonces.filter((nonce) => moved.has(nonce)).length > 1) {
      twice += 1;
      violations.push(`two payments of ${name} moved on the chain`);
    }
    const accepted = nonces.filter((nonce) => calls.has(nonce));
    if (accepted.length > 0 && replies.some(({ status }) => status === 402))
      violations.push(`the gateway accepted a payment of ${name}, and answered 402`);
    if (runs.length > Math.max(1, nonces.length))
      violations.push(`the tool of ${name} ran ${runs.length} times`);
    const served = replies.some(({ status, paidBy }) => status === 200 && paidBy === 'payment');
    if (served && !nonces.some((nonce) => calls.get(nonce)?.state === 'committed'))
      violations.push(`the gateway served ${name}, but its account has no committed call`);
  }
  return twice;
};
