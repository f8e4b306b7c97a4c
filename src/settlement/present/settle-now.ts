import type { Seconds } from '../../core/clock.ts';
import type { Backend } from '../backends/backend.ts';
import type { Backends } from '../backends/registry.ts';
import { type Clock, SYSTEM_CLOCK } from '../backends/clock.ts';
import {
  errorOf,
  isInHand,
  lessonOf,
  type Presentable,
  type Presented,
} from '../backends/backend-answer.ts';
import { type Chain, type ChainView, lookUp } from '../chain/observe-payments.ts';
import { lookFor } from '../message.ts';
import type { FinalOutcome } from '../../protocol/payment.ts';
import { BROKEN_BLOCKS } from '../promises.ts';
import { outcomeOf } from '../conclude.ts';

export type SettleConfig = {
  readonly chain: Chain;
  /** One an isolate. */
  readonly backends: Backends;
  /** Milliseconds before each further look once a backend has taken the payment; their sum bounds the wait. */
  readonly pauses?: readonly number[];
  readonly clock?: Clock;
};

/** `unknown` is not a failure: the nonce may still be used, so the call keeps its hold (law 5). */
export type SettledNow = FinalOutcome | { readonly outcome: 'unknown'; readonly why: string };

/** About 20 seconds: a handful of blocks of any rollup, and less than a client waits. */
const PAUSES = [100, 200, 400, 800, 1_500, 2_000, 2_000, 3_000, 5_000, 5_000];
/** After a backend that gave no answer: it may have broadcast the payment before it failed. */
const SHORT_PAUSES = 3;
/** A caller waits: no backend is asked after this long, and none is waited for beyond it by more than one answer takes. */
const ASK_MS = 25_000;
const ANSWER_MS = 30_000;
/** For a place at a backend that is busy: where there is another, and where there is none. */
const WAIT_MS = { others: 2_000, nobody: 20_000 } as const;

/**
 * Settles a payment before its tool runs: look, present to the backends in order until one takes it, and look again until
 * the chain has decided or the wait is over. Between two backends there is always a look: who did not answer may have sent it.
 *
 * @returns `settled`; `failed` when the nonce was spent otherwise or cancelled; `released` when it is unused after
 * validBefore; and `unknown` in every other case, unfunded and refused ones included, because an authorization that is
 * unused and still valid can be settled by anyone. Never answer `unknown` with 402 (law 5).
 */
export const settleNow = async (
  config: SettleConfig,
  presentable: Presentable,
  now: Seconds,
): Promise<SettledNow> => {
  const { backends, clock = SYSTEM_CLOCK, pauses = PAUSES } = config;
  const { payment, sinceBlock } = presentable;
  const { network } = payment.token;
  const look = lookFor(payment, sinceBlock);
  const see = async (): Promise<ChainView> =>
    (await lookUp(config.chain, [look]))[0] ?? { view: 'unknown', why: 'nothing was seen' };
  const decide = (view: ChainView): SettledNow | undefined => outcomeOf('upfront', look, view);
  const watch = async (first: ChainView, times: number): Promise<ChainView> => {
    let view = first;
    for (const pause of pauses.slice(0, times)) {
      if (decide(view) !== undefined) return view;
      await clock.sleep(pause);
      view = await see();
    }
    return view;
  };

  const startBy = clock.now() + ASK_MS;
  const patience = { startBy, endBy: startBy + ANSWER_MS, on: 'request' } as const;
  const [first] = await Promise.all([see(), backends.refresh(network)]);
  let view = first;
  let why = view.view === 'unknown' ? view.why : 'the authorization is not valid now';
  const { validAfter, validBefore } = payment.authorization;
  const isValid = validAfter < BigInt(now) && BigInt(now) < validBefore;
  if (isValid && view.view === 'unused') why = 'no backend is to be asked now';
  const order = isValid ? backends.for(network) : [];
  for (const backend of order) {
    // Blind, or already used: presenting could only burn gas. A backend is asked only about what is surely unused.
    if (view.view !== 'unused') break;
    const before = view;
    const waitMs = WAIT_MS[backend === order.at(-1) ? 'nobody' : 'others'];
    const [said] = await backend.present([presentable], { ...patience, waitMs });
    if (said === undefined) continue;
    why = reasonOf(said);
    if (said.kind === 'declined') continue;
    view = await watch(await see(), patienceFor(said, pauses.length));
    learn(backend, presentable, said, before, view);
    if (isInHand(said)) break;
  }
  // Somebody else's transaction may be waiting for its confirmations, or the node for its senses.
  if (view.view === 'unconfirmed') view = await watch(view, pauses.length);
  return decide(view) ?? { outcome: 'unknown', why: view.view === 'unknown' ? view.why : why };
};

const learn = (
  backend: Backend,
  { payment }: Presentable,
  said: Presented,
  before: Extract<ChainView, { readonly view: 'unused' }>,
  after: ChainView,
): void => {
  // Both were learnt when they were said.
  if (said.kind === 'unreachable' || said.kind === 'taken') return;
  const isBroken =
    said.kind === 'claimed_success' &&
    after.view === 'unused' &&
    after.headBlock >= before.headBlock + BROKEN_BLOCKS;
  if (isBroken) backend.learn('fault', 'false_success');
  else backend.learn(lessonOf(said, payment, after), errorOf(said));
};

const patienceFor = (said: Presented, all: number): number => {
  switch (said.kind) {
    case 'claimed_success':
    case 'pending':
    case 'taken':
      return all;
    case 'unreachable':
      return SHORT_PAUSES;
    case 'claimed_failure':
    case 'declined':
      return 0;
  }
};

const reasonOf = (said: Presented): string => {
  switch (said.kind) {
    case 'claimed_success':
      return 'the settlement is not on the chain yet';
    case 'pending':
      return 'the settlement is pending';
    case 'taken':
      return 'the relayer has it, and it is not on the chain yet';
    case 'claimed_failure':
      return said.reason;
    case 'unreachable':
      return `the backend did not answer: ${said.why}`;
    case 'declined':
      return `the backend was not asked: ${said.why}`;
  }
};
