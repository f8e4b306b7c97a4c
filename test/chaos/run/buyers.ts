import type { Hex } from 'viem';
import { openRandom } from '../../falsify/random.ts';
import type { ChaosOptions } from './options.ts';
import { keyInUse, type Payer } from './payer.ts';
import { buy, type BuyContext, attack } from './buy.ts';
import { type Purchase, purchaseOf } from './purchase.ts';
import type { Signed } from './sign-purchase.ts';

/** The clients of a run, which buy for its payers. */
export type Buyers = {
  readonly purchases: readonly Purchase[];
  /** Payments whose acceptance a client has seen. */
  readonly accepted: () => number;
  /** `validBefore` of the authorizations that outlive their call, Unix seconds. */
  readonly ends: () => readonly number[];
  /** Records that the tool of a purchase runs. */
  readonly runs: (number: number) => Promise<void>;
  /** Buys until enough payments are accepted. Resolves when the last client has stopped. */
  readonly trade: (context: BuyContext, isFull: () => boolean) => Promise<void>;
  readonly close: () => void;
};

/** First purchases of a key, which settle before the tool runs: the payer has no settled payment yet (law 7). */
const FIRST = 3;
/** Most purchases per accepted payment, because the gateway rejects some. */
const MOST = 4;
const FULL_MS = 200;
/** Seconds; every upfront authorization ends earlier. */
const LASTS = 150;

export const openBuyers = (
  { payments, seed }: Pick<ChaosOptions, 'payments' | 'seed'>,
  payers: readonly Payer[],
  clients: number,
  hasMoved: (payer: Hex, nonce: Hex) => Promise<boolean>,
): Buyers => {
  const random = openRandom(`purchases ${seed}`);
  const purchases: Purchase[] = [];
  const signed = new Map<number, Signed>();
  const begun = new Map<Hex, number>();
  let context: BuyContext | undefined;
  let closed = false;
  let counted = 0;

  const next = (): Purchase => {
    const own = random.fork(`purchase ${purchases.length}`);
    const payer = own.pick(payers as readonly [Payer, ...Payer[]]);
    const key = keyInUse(payer);
    const before = begun.get(key.address) ?? 0;
    begun.set(key.address, before + 1);
    const purchase = purchaseOf(purchases.length, payer, key, before < FIRST, own);
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
      if (context !== undefined && purchase.runs.length === 1)
        attack(context, purchase, own, 'run');
    },
    async trade(where, isFull) {
      context = where;
      const client = async (): Promise<void> => {
        while (!closed && counted < payments && purchases.length < payments * MOST) {
          if (isFull()) {
            await new Promise((resolve) => setTimeout(resolve, FULL_MS));
            continue;
          }
          const purchase = next();
          await buy(where, purchase, (one) => signed.set(purchase.number, one));
          if (purchase.replies.some(({ paidBy }) => paidBy === 'payment')) counted += 1;
        }
      };
      await Promise.all(Array.from({ length: clients }, client));
    },
  };
};
