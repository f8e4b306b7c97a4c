import type { Seconds } from '../core/clock.ts';
import { type Chain, type ChainView, lookUp } from './evidence.ts';
import { type Backend, present, type Presented } from './facilitator.ts';
import { lookFor } from './message.ts';
import type { Payment, SettlementOutcome } from './payment.ts';
import { outcomeOf } from './verdict.ts';

export type SettleConfig = {
  readonly chain: Chain;
  /** In the order they are asked. */
  readonly backends: readonly Backend[];
  /** Milliseconds a backend may take to answer. */
  readonly presentTimeoutMs?: number;
  /** Milliseconds before each further look once a backend has taken the payment; their sum bounds the wait. */
  readonly pauses?: readonly number[];
};

/** `unknown` is not a failure: the nonce may still be used, so the call keeps its hold (law 5). */
export type SettledNow =
  | Exclude<SettlementOutcome, { readonly outcome: 'sent' }>
  | { readonly outcome: 'unknown'; readonly why: string };

const PRESENT_TIMEOUT_MS = 30_000;
/** About 20 seconds: a handful of blocks of any rollup, and less than a client waits. */
const PAUSES = [100, 200, 400, 800, 1_500, 2_000, 2_000, 3_000, 5_000, 5_000];
/** After a backend that gave no answer: it may have broadcast the payment before it failed. */
const SHORT_PAUSES = 3;

/**
 * Settles a payment before its tool runs: look, present to the backends in order until one takes it, and look again until
 * the chain has decided or the wait is over.
 *
 * @returns `settled`; `failed` when the nonce was spent otherwise or cancelled; `released` when it is unused after
 * validBefore; and `unknown` in every other case, unfunded and refused ones included, because an authorization that is
 * unused and still valid can be settled by anyone. Never answer `unknown` with 402 (law 5).
 */
export const settleNow = async (
  config: SettleConfig,
  payment: Payment,
  sinceBlock: number,
  now: Seconds,
): Promise<SettledNow> => {
  const look = lookFor(payment, sinceBlock);
  const see = async (): Promise<ChainView> =>
    (await lookUp(config.chain, [look]))[0] ?? { view: 'unknown', why: 'nothing was seen' };
  const decide = (view: ChainView): SettledNow | undefined => {
    const outcome = outcomeOf('upfront', look, view);
    return outcome?.outcome === 'sent' ? undefined : outcome;
  };
  const pauses = config.pauses ?? PAUSES;
  const watch = async (first: ChainView, times: number): Promise<ChainView> => {
    let view = first;
    for (const pause of pauses.slice(0, times)) {
      if (decide(view) !== undefined) return view;
      await new Promise((resolve) => setTimeout(resolve, pause));
      view = await see();
    }
    return view;
  };

  let view = await see();
  let why = view.view === 'unknown' ? view.why : 'the authorization is not valid now';
  const { validAfter, validBefore } = payment.authorization;
  const isValid = validAfter < BigInt(now) && BigInt(now) < validBefore;
  for (const backend of isValid ? config.backends : []) {
    // Blind, or already used: presenting could only burn gas. A backend is asked only about what is surely unused.
    if (view.view !== 'unused') break;
    const presented = await present(
      backend,
      payment,
      config.presentTimeoutMs ?? PRESENT_TIMEOUT_MS,
    );
    why = reasonOf(presented);
    view = await watch(await see(), patience(presented, pauses.length));
    if (presented.kind === 'claimed_success' || presented.kind === 'pending') break;
  }
  // Somebody else's transaction may be waiting for its confirmations, or the node for its senses.
  if (view.view === 'unconfirmed') view = await watch(view, pauses.length);
  return decide(view) ?? { outcome: 'unknown', why: view.view === 'unknown' ? view.why : why };
};

const patience = (presented: Presented, all: number): number => {
  switch (presented.kind) {
    case 'claimed_success':
    case 'pending':
      return all;
    case 'unreachable':
      return SHORT_PAUSES;
    case 'claimed_failure':
      return 0;
  }
};

const reasonOf = (presented: Presented): string => {
  switch (presented.kind) {
    case 'claimed_success':
      return 'the settlement is not on the chain yet';
    case 'pending':
      return 'the settlement is pending';
    case 'claimed_failure':
      return presented.reason;
    case 'unreachable':
      return `the facilitator did not answer: ${presented.why}`;
  }
};
