import type { Clock } from '../../core/clock.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { ExpectedTransfer } from './expected-transfer.ts';
import { type Chain, type Observation, unanswered } from './observation.ts';
import { observePayments } from './observe-payments.ts';
import { blockQuery, runQueries } from './query.ts';

/** A payment that a request of this isolate waits for. */
type Followed = {
  readonly transfer: ExpectedTransfer;
  /** When its request stops waiting, Unix milliseconds. The platform may end a request earlier, without running its `finally`. */
  readonly until: number;
  observation: Observation;
  /** The newest block when the chain was observed; 0 if no node answered. */
  head: number;
  /** When that observation began, Unix milliseconds. */
  at: number;
};

/**
 * The payments of one network that requests of this isolate wait for. Plain data, and no promise: on Workers a request must not wait for the
 * connection of another one, because it ends with that request.
 */
export type SharedWatch = {
  readonly followed: Set<Followed>;
  /** When the last observation ended, Unix milliseconds. */
  lookedAt: number;
  /** While a request observes the chain: the time after which another one takes over. */
  lookingUntil: number;
};

/** One per isolate. */
export type SharedWatches = Map<Network, SharedWatch>;

export const watchOf = (watches: SharedWatches, network: Network): SharedWatch => {
  const known = watches.get(network);
  if (known !== undefined) return known;
  const opened: SharedWatch = { followed: new Set(), lookedAt: 0, lookingUntil: 0 };
  watches.set(network, opened);
  return opened;
};

export type Pace = {
  /** How often a request reads the shared observation, milliseconds. */
  readonly tickMs: number;
  /** The pause between two observations of the chain, milliseconds: while the observing request is young, and afterwards. */
  readonly lookMs: number;
  readonly laterMs: number;
};

const PACE: Pace = { tickMs: 100, lookMs: 250, laterMs: 2_000 };

/** How long the pause is short: two blocks of a rollup. */
const YOUNG_MS = 5_000;

/** An observation that takes longer counts as lost, because its request may have ended. Longer than the timeout of one node. */
const TAKE_OVER_MS = 8_000;

/** A payment is observed again after this time even without a new block: a reorganisation may keep the height. */
const STALE_MS = 5_000;

export type Following = {
  readonly chain: Chain;
  readonly watch: SharedWatch;
  readonly clock: Clock;
  /** Shorter in tests. */
  readonly pace?: Pace;
};

/**
 * Waits until the observation of a payment is decided, or `waitMs` have passed. All requests of the isolate that wait on one network share
 * observations: the first request that finds the last one too old reads the newest block, and observes every payment that was not observed
 * at that block. So the node gets one batch a block, instead of one for each payment and block.
 *
 * @param first the caller's own observation.
 * @returns the last observation.
 */
export const followPayment = async (
  { chain, watch, clock, pace = PACE }: Following,
  transfer: ExpectedTransfer,
  first: Observation,
  waitMs: number,
  isDecided: (observation: Observation) => boolean,
): Promise<Observation> => {
  const begun = clock.now();
  const until = begun + waitMs;
  const one: Followed = { transfer, until, observation: first, head: headOf(first, 0), at: begun };
  watch.followed.add(one);
  try {
    while (!isDecided(one.observation) && clock.now() < until) {
      await clock.sleep(pace.tickMs);
      const now = clock.now();
      const pause = now - begun < YOUNG_MS ? pace.lookMs : pace.laterMs;
      if (now >= watch.lookedAt + pause && now >= watch.lookingUntil) {
        await look(chain, watch, clock);
      }
    }
    return one.observation;
  } finally {
    watch.followed.delete(one);
  }
};

const HEAD = blockQuery('latest');

/** Observes the payments that the newest block may have changed, and gives every waiting request its observation. */
const look = async (chain: Chain, watch: SharedWatch, clock: Clock): Promise<void> => {
  const at = clock.now();
  const lookingUntil = at + TAKE_OVER_MS;
  watch.lookingUntil = lookingUntil;
  for (const one of watch.followed) if (one.until < at) watch.followed.delete(one);
  // Race: an observation that was taken over may end after the newer one, and must not replace its results.
  const note = (one: Followed, observation: Observation, head: number): void => {
    if (one.at > at) return;
    one.observation = observation;
    one.head = headOf(observation, head);
    one.at = at;
  };
  try {
    const [newest] = await runQueries(chain.urls, [HEAD]);
    const head = newest?.ok === true ? newest.value : undefined;
    if (head === undefined) {
      chain.onAnswered?.(newest?.ok === true);
      const why = unanswered(newest?.ok === false ? newest.error : undefined);
      for (const one of watch.followed) note(one, why, 0);
      return;
    }
    const due = [...watch.followed].filter(
      (one) => one.head < head.number || one.at < at - STALE_MS,
    );
    if (due.length === 0) return;
    const observations = await observePayments(
      chain,
      due.map(({ transfer }) => transfer),
    );
    due.forEach((one, index) => {
      const observation = observations[index];
      if (observation !== undefined) note(one, observation, head.number);
    });
  } finally {
    if (watch.lookingUntil === lookingUntil) watch.lookingUntil = 0;
    watch.lookedAt = clock.now();
  }
};

/** The block at which a payment was observed. Answers of one batch may be of different blocks: an unused nonce names its own. */
const headOf = (observation: Observation, head: number): number => {
  if (observation.kind === 'unused') return observation.headBlock;
  return observation.kind === 'unknown' ? 0 : head;
};
