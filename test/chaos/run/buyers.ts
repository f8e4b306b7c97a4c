import type { Hex } from 'viem';
import { openRandom } from '../../falsify/random.ts';
import type { ChaosOptions } from './options.ts';
import { keyInUse, type Payer } from './payer.ts';
import { buy, type Market, strike } from './buy.ts';
import { type Purchase, purchaseOf } from './purchase.ts';
import type { Signed } from './sign-purchase.ts';

/** Where everybody buys. */
export type Bazaar = {
  readonly purchases: readonly Purchase[];
  /** Payments that clients know to be accepted. */
  readonly accepted: () => number;
  /** When authorizations end that outlive their call, Unix seconds. */
  readonly ends: () => readonly number[];
  /** A tool runs. */
  readonly runs: (number: number) => Promise<void>;
  /** Buys until so many payments are accepted; resolves when the last client has left. */
  readonly trade: (market: Market, isFull: () => boolean) => Promise<void>;
  readonly close: () => void;
};

/** Purchases of a key that are paid first: nobody is trusted before (law 7). */
const FIRST = 3;
/** Purchases to one payment, at most: what is refused is no payment. */
const MOST = 4;
const FULL_MS = 200;
/** What is paid first has ended by then. Seconds. */
const LASTS = 150;

export const openBazaar = (
  { payments, seed }: Pick<ChaosOptions, 'payments' | 'seed'>,
  payers: readonly Payer[],
  clients: number,
  hasMoved: (payer: Hex, nonce: Hex) => Promise<boolean>,
): Bazaar => {
  const random = openRandom(`purchases ${seed}`);
  const purchases: Purchase[] = [];
  const signed = new Map<number, Signed>();
  const begun = new Map<Hex, number>();
  let market: Market | undefined;
  let closed = false;
  let counted = 0;

  const next = (): Purchase => {
    const luck = random.fork(`purchase ${purchases.length}`);
    const payer = luck.pick(payers as readonly [Payer, ...Payer[]]);
    const key = keyInUse(payer);
    const before = begun.get(key.address) ?? 0;
    begun.set(key.address, before + 1);
    const purchase = purchaseOf(purchases.length, payer, key, before < FIRST, luck);
    purchases.push(purchase);
    return purchase;
  };

  return {
    purchases,
    accepted: () => counted,
    ends: () =>
      [...signed.values()].flatMap(({ authorization }) => {
        const end = Number(authorization?.authorization.validBefore ?? 0);
        return end > Date.now() / 1000 + LASTS ? [end] : [];
      }),
    close() {
      closed = true;
    },
    async runs(number) {
      const purchase = purchases[number];
      const own = signed.get(number);
      if (purchase === undefined || own === undefined) return;
      purchase.runs.push(
        own.authorization === undefined || (await hasMoved(purchase.key.address, own.nonce)),
      );
      if (market !== undefined && purchase.runs.length === 1) strike(market, purchase, own, 'run');
    },
    async trade(where, isFull) {
      market = where;
      const client = async (): Promise<void> => {
        while (!closed && counted < payments && purchases.length < payments * MOST) {
          if (isFull()) {
            await new Promise((resolve) => setTimeout(resolve, FULL_MS));
            continue;
          }
          const purchase = next();
          await buy(where, purchase, (one) => signed.set(purchase.number, one));
          if (purchase.heard.some(({ paidBy }) => paidBy === 'payment')) counted += 1;
        }
      };
      await Promise.all(Array.from({ length: clients }, client));
    },
  };
};
