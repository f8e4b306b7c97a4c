import type { Hex } from 'viem';
import type { Random } from '../../falsify/random.ts';
import type { Key, Payer, Attack } from './payer.ts';
import type { Product } from './tools.ts';
import { draw } from './fault-source.ts';

/** Weights of the ways a client behaves. */
const MANNERS = { waits: 80, repeats: 8, sendsTwice: 5, leaves: 4, isGone: 3 } as const;
export type Manner = keyof typeof MANNERS;

/** Weights of the moments of an attack: when the request is sent, when the tool runs, or when the answer has arrived. */
const MOMENTS = { sent: 1, run: 4, answered: 5 } as const;
export type Moment = keyof typeof MOMENTS;

/** An answer. Status 0 means that the connection broke; `paidBy` is undefined if the answer has no payment response. */
export type Reply = {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: number;
  readonly paidBy: 'payment' | 'credit' | undefined;
};

/** One purchase of a client, and what the client saw of it. */
export type Purchase = {
  readonly number: number;
  readonly payer: Payer;
  readonly key: Key;
  readonly product: Product;
  readonly bound: boolean;
  readonly manner: Manner;
  readonly attack: { readonly kind: Attack; readonly at: Moment } | undefined;
  /** Seconds from its signature to validBefore. */
  readonly lifetime: number;
  readonly random: Random;
  /** Nonces that the client signed for this purchase: two if the gateway answered 402. They are also call ids. */
  readonly nonces: Hex[];
  readonly replies: Reply[];
  /** For each run of the tool, whether the price had already moved. */
  readonly runs: boolean[];
};

const PRODUCTS = {
  deferred: 66,
  upfront: 12,
  failing: 7,
  spoiled: 3,
  topUp: 4,
  credit: 8,
} as const satisfies Readonly<Record<Product, number>>;

/** Probabilities that a hostile payer's purchase is an attack, that it drains the key, and that a payment is bound to an intent. */
const ATTACKING = 0.35;
const DRAINS = 0.06;
const BOUND = 0.4;

/** Seconds: longer than a deferred payment must stay valid, and short enough that a run can wait for the end. */
const DEFERRED = [2_000, 2_400] as const;
const UPFRONT = [45, 120] as const;

/** Draws a purchase. A payer's first purchases are upfront. */
export const purchaseOf = (
  number: number,
  payer: Payer,
  key: Key,
  isFirst: boolean,
  random: Random,
): Purchase => {
  const { attack } = payer;
  const product = isFirst
    ? 'upfront'
    : attack === 'settlesReleased' && random.chance(0.4)
      ? 'failing'
      : draw(random, PRODUCTS);
  const strikes =
    attack !== undefined && !isFirst && random.chance(attack === 'drains' ? DRAINS : ATTACKING);
  const lasts = product === 'deferred' || product === 'failing';
  return {
    number,
    payer,
    key,
    product,
    bound: product === 'credit' || random.chance(BOUND),
    manner: draw(random, MANNERS),
    attack: strikes ? { kind: attack, at: draw(random, MOMENTS) } : undefined,
    lifetime: lasts ? random.integer(...DEFERRED) : random.integer(...UPFRONT),
    random,
    nonces: [],
    replies: [],
    runs: [],
  };
};
