import type { Hex } from 'viem';
import type { BookedCall } from '../support/account-records.ts';
import type { ByNonce } from './final-state.ts';
import type { Purchase } from './purchase.ts';

/** Law 3: nobody pays twice for one purchase, and nothing runs twice. */
export const judgeClients = (
  purchases: readonly Purchase[],
  calls: ReadonlyMap<Hex, BookedCall>,
  moved: ByNonce,
  wrongs: string[],
): number => {
  let twice = [...moved].filter(([nonce, all]) => nonce !== undefined && all.length > 1).length;
  for (const { number, payer, nonces, heard, runs, ware } of purchases) {
    const who = `purchase ${number} of ${payer.name} (${ware})`;
    if (nonces.filter((nonce) => moved.has(nonce)).length > 1) {
      twice += 1;
      wrongs.push(`${who} was paid twice`);
    }
    const accepted = nonces.filter((nonce) => calls.has(nonce));
    if (accepted.length > 0 && heard.some(({ status }) => status === 402))
      wrongs.push(`${who} was asked for another payment, and the first was accepted`);
    if (runs.length > Math.max(1, nonces.length)) wrongs.push(`${who} ran ${runs.length} times`);
    const served = heard.some(({ status, paidBy }) => status === 200 && paidBy === 'payment');
    if (served && !nonces.some((nonce) => calls.get(nonce)?.state === 'committed'))
      wrongs.push(`${who} was served, and is not in the books`);
  }
  return twice;
};
