import type { Hex } from 'viem';
import type { Random } from '../../falsify/random.ts';
import type { Key, Payer, Trick } from './payer.ts';
import type { Ware } from './tools.ts';
import { draw } from './fault-source.ts';

/** How a client behaves. */
const MANNERS = { waits: 80, repeats: 8, sendsTwice: 5, leaves: 4, isGone: 3 } as const;
export type Manner = keyof typeof MANNERS;

/** When a hostile payer strikes: as soon as its request is on the way, when the tool runs, or when it has its answer. */
const MOMENTS = { sent: 1, run: 4, answered: 5 } as const;
export type Moment = keyof typeof MOMENTS;

/** `paid`: undefined where the gateway did not say. A status of 0: the connection broke before there was an answer. */
export type Reply = {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: number;
  readonly paidBy: 'payment' | 'credit' | undefined;
};

/** One thing that somebody wants to buy once, and what became of it. */
export type Purchase = {
  readonly number: number;
  readonly payer: Payer;
  readonly key: Key;
  readonly ware: Ware;
  readonly bound: boolean;
  readonly manner: Manner;
  readonly trick: { readonly kind: Trick; readonly at: Moment } | undefined;
  /** Seconds from its signature to validBefore. */
  readonly lifetime: number;
  readonly luck: Random;
  /** What it signed for this purchase, in order: one, unless it was asked again. Also the ids of its calls. */
  readonly nonces: Hex[];
  readonly heard: Reply[];
  /** Each run of its tool: whether the price had moved by then. */
  readonly runs: boolean[];
};

const WARES = {
  deferred: 66,
  upfront: 12,
  failing: 7,
  spoiled: 3,
  topUp: 4,
  credit: 8,
} as const satisfies Readonly<Record<Ware, number>>;

/** So many payments of a payer are settled first: nobody is trusted before (law 7). */
const TRICKY = 0.35;
const DRAINS = 0.06;
const BOUND = 0.4;

/** Above what a deferred payment must have left, and below what makes the end of a run long. Seconds. */
const DEFERRED = [2_000, 2_400] as const;
const UPFRONT = [45, 120] as const;

/** The purchase of a number, by the seed. Whoever has bought nothing yet begins with something that is paid first. */
export const purchaseOf = (
  number: number,
  payer: Payer,
  key: Key,
  isFirst: boolean,
  luck: Random,
): Purchase => {
  const { trick } = payer;
  const ware = isFirst
    ? 'upfront'
    : trick === 'settlesReleased' && luck.chance(0.4)
      ? 'failing'
      : draw(luck, WARES);
  const strikes =
    trick !== undefined && !isFirst && luck.chance(trick === 'drains' ? DRAINS : TRICKY);
  const lasts = ware === 'deferred' || ware === 'failing';
  return {
    number,
    payer,
    key,
    ware,
    bound: ware === 'credit' || luck.chance(BOUND),
    manner: draw(luck, MANNERS),
    trick: strikes ? { kind: trick, at: draw(luck, MOMENTS) } : undefined,
    lifetime: lasts ? luck.integer(...DEFERRED) : luck.integer(...UPFRONT),
    luck,
    nonces: [],
    heard: [],
    runs: [],
  };
};
