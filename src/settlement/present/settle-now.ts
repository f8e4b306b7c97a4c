import { type Clock, type Seconds, SYSTEM_CLOCK } from '../../core/clock.ts';
import type { FinalOutcome } from '../../protocol/payment.ts';
import {
  type Backend,
  type BackendAnswer,
  errorOf,
  healthSignalOf,
  isInHand,
  type Presentable,
} from '../backends/backend.ts';
import type { Backends } from '../backends/registry.ts';
import { expectedTransfer } from '../chain/expected-transfer.ts';
import type { Chain, Observation } from '../chain/observation.ts';
import { observePayments } from '../chain/observe-payments.ts';
import { followPayment, type Pace, type SharedWatches, watchOf } from '../chain/shared-watch.ts';
import { conclude } from '../conclude.ts';
import { FALSE_AFTER_BLOCKS } from './presentations.ts';

export type SettleConfig = {
  readonly chain: Chain;
  /** One per isolate. */
  readonly backends: Pick<Backends, 'for' | 'refresh'>;
  /** One per isolate: requests that wait on one network share their looks at the chain. */
  readonly watches: SharedWatches;
  /** How long to wait for the chain after a backend took the payment. */
  readonly waitMs?: number;
  readonly clock?: Clock;
  readonly pace?: Pace;
};

/** `unknown` is not a failure: the nonce may still be used, so the call keeps its hold (law 5). */
export type SettledNow = FinalOutcome | UnknownSettlement;

export type UnknownSettlement = {
  readonly outcome: 'unknown';
  readonly why: string;
  /** The last observation, and the last answer of a backend if one was asked. */
  readonly observation: Observation;
  readonly answer?: BackendAnswer;
};

/** Several blocks of any rollup, and less than a client waits. */
const FOLLOW_MS = 20_000;
/** The wait after a backend that did not answer: it may have broadcast the payment before it failed. */
const SHORT_MS = 700;
/** Because a caller waits, no backend is tried after this time, and a backend that was tried gets the time of one answer. */
const START_MS = 25_000;
const ANSWER_MS = 30_000;
/** The wait for a place at a busy backend, with and without another backend to try. */
const WAIT_MS = { others: 2_000, alone: 20_000 } as const;

/**
 * Settles a payment before its tool runs: observe, present to the backends in order until one takes it, and observe again until the chain
 * has decided or the wait has ended.
 *
 * Race: a backend that did not answer may have broadcast the payment. So between two backends the chain is always observed.
 *
 * @returns `settled`; `failed` if the nonce was spent otherwise or cancelled; `released` if it is unused after `validBefore`; else
 * `unknown`, also for unfunded and rejected payments, because anyone can settle an authorization that is unused and still valid. Never
 * answer `unknown` with 402: clients sign again on 402 and pay twice (law 5).
 */
export const settleNow = async (
  config: SettleConfig,
  presentable: Presentable,
  now: Seconds,
): Promise<SettledNow> => {
  const { chain, backends, watches, clock = SYSTEM_CLOCK, waitMs: all = FOLLOW_MS, pace } = config;
  const { payment, sinceBlock } = presentable;
  const { network } = payment.token;
  const transfer = expectedTransfer(payment, sinceBlock);
  const observe = async (): Promise<Observation> =>
    (await observePayments(chain, [transfer]))[0] ?? {
      kind: 'unknown',
      why: 'no observation',
    };
  const decide = (observation: Observation): SettledNow | undefined =>
    conclude('upfront', transfer, observation);
  const following = { chain, clock, watch: watchOf(watches, network), ...(pace && { pace }) };
  const follow = async (first: Observation, milliseconds: number): Promise<Observation> =>
    followPayment(following, transfer, first, milliseconds, (one) => decide(one) !== undefined);

  const startBy = clock.now() + START_MS;
  const limits = { startBy, endBy: startBy + ANSWER_MS, source: 'request' } as const;
  const [first] = await Promise.all([observe(), backends.refresh(network)]);
  let observation = first;
  let last: BackendAnswer | undefined;
  let why = first.kind === 'unknown' ? first.why : 'the authorization is not valid now';
  const { validAfter, validBefore } = payment.authorization;
  const isValid = validAfter < BigInt(now) && BigInt(now) < validBefore;
  if (isValid && first.kind === 'unused') why = 'every backend is paused';
  const { payer, facilitator } = transfer;
  const order = isValid ? backends.for(network, payer, facilitator) : [];
  for (const backend of order) {
    // Unobserved or already used: presenting could only burn gas. Only a payment that is certainly unused is presented.
    if (observation.kind !== 'unused') break;
    const before = observation;
    const waitMs = WAIT_MS[backend === order.at(-1) ? 'alone' : 'others'];
    const [answer] = await backend.present([presentable], { ...limits, waitMs });
    if (answer === undefined) continue;
    last = answer;
    why = reasonOf(answer);
    if (answer.kind === 'declined') continue;
    // The relayer has only stored the payment: its transaction is in no block yet.
    const after = answer.kind === 'taken' ? before : await observe();
    observation = await follow(after, waitAfter(answer, all));
    recordHealth(backend, presentable, answer, before, observation);
    if (isInHand(answer)) break;
  }
  // Another sender's transaction may be waiting for its confirmations.
  if (observation.kind === 'unconfirmed') observation = await follow(observation, all);
  return (
    decide(observation) ?? {
      outcome: 'unknown',
      why: observation.kind === 'unknown' ? observation.why : why,
      observation,
      ...(last === undefined ? {} : { answer: last }),
    }
  );
};

const recordHealth = (
  { health }: Backend,
  { payment }: Presentable,
  answer: BackendAnswer,
  before: Extract<Observation, { readonly kind: 'unused' }>,
  after: Observation,
): void => {
  // The backend itself has recorded these answers.
  if (answer.kind === 'unreachable' || answer.kind === 'taken') return;
  const isFalse =
    answer.kind === 'claimed_success' &&
    after.kind === 'unused' &&
    after.headBlock >= before.headBlock + FALSE_AFTER_BLOCKS;
  if (isFalse) health.record('fault', 'false_success');
  else health.record(healthSignalOf(answer, payment, after), errorOf(answer));
};

const waitAfter = (answer: BackendAnswer, all: number): number => {
  switch (answer.kind) {
    case 'claimed_success':
    case 'pending':
    case 'taken':
      return all;
    case 'unreachable':
      return Math.min(SHORT_MS, all);
    case 'claimed_failure':
    case 'declined':
      return 0;
  }
};

const reasonOf = (answer: BackendAnswer): string => {
  switch (answer.kind) {
    case 'claimed_success':
      return 'the settlement is not on the chain yet';
    case 'pending':
      return 'the settlement is pending';
    case 'taken':
      return 'the relayer has the payment, and it is not on the chain yet';
    case 'claimed_failure':
      return answer.reason;
    case 'unreachable':
      return `the backend did not answer: ${answer.why}`;
    case 'declined':
      return `the payment was not presented to the backend: ${answer.why}`;
  }
};
