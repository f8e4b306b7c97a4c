import { type Clock, type Seconds, SYSTEM_CLOCK } from '../../core/clock.ts';
import type { Network } from '../../protocol/account-id.ts';
import { CONNECTIONS, type Invocations } from '../backends/backend.ts';
import type { Backends } from '../backends/registry.ts';
import type { Chain, Observation } from '../chain/observation.ts';
import { observePayments } from '../chain/observe-payments.ts';
import { findBounces } from './bounce.ts';
import { isPresentable, presentAll } from './present-all.ts';
import { checkPresentations, type Presentations } from './presentations.ts';
import { paymentKey, type SettlementTask, type TaskResult, type WithAttempts } from './task.ts';

export type RoundDeps = {
  readonly chains: ReadonlyMap<Network, Chain>;
  /** One per isolate. */
  readonly backends: Backends;
  /** One per isolate. */
  readonly presentations: Presentations;
  /** The further invocations of this batch; absent: none. */
  readonly invocations?: Invocations;
  readonly clock?: Clock;
};

/** A batch blocks its queue while it is consumed, so a round ends after this time, not counting observations. */
const ROUND_MS = 50_000;

/**
 * One round of settlement over many payments: observe all of them first, because a settled payment must not be presented (law 5); present
 * those that are certainly unused, still valid and covered, earliest deadline first; observe again what was presented; and find out
 * whether the payments that remain open bounced.
 */
export const settleRound = async <T extends SettlementTask & WithAttempts>(
  deps: RoundDeps,
  tasks: readonly T[],
  now: Seconds,
): Promise<readonly TaskResult<T>[]> => {
  const endBy = (deps.clock ?? SYSTEM_CLOCK).now() + ROUND_MS;
  const byDeadline = tasks.toSorted((one, other) =>
    Number(one.transfer.validBefore - other.transfer.validBefore),
  );
  const networks = [...Map.groupBy(byDeadline, (task) => task.network)];
  const results = await Promise.all(
    networks.map(async ([network, own]) => {
      const chain = deps.chains.get(network);
      // The network was removed from the configuration: its payments wait until it returns.
      if (chain === undefined) {
        const observation: Observation = { kind: 'unknown', why: `${network} is not configured` };
        return own.map((task): TaskResult<T> => ({ task, observation }));
      }
      const connections = Math.max(1, Math.floor(CONNECTIONS / networks.length));
      return settleOn(deps, chain, network, own, { now, endBy, connections });
    }),
  );
  const byTask = new Map(results.flat().map((one) => [one.task, one]));
  return byDeadline.flatMap((task) => byTask.get(task) ?? []);
};

/** `endBy`: milliseconds of the clock. `connections`: how many may be used at once. */
type Limits = { readonly now: Seconds; readonly endBy: number; readonly connections: number };

const settleOn = async <T extends SettlementTask & WithAttempts>(
  deps: RoundDeps,
  chain: Chain,
  network: Network,
  tasks: readonly T[],
  { now, endBy, connections }: Limits,
): Promise<readonly TaskResult<T>[]> => {
  const observe = async (of: readonly SettlementTask[]): Promise<readonly Observation[]> =>
    observePayments(
      chain,
      of.map(({ transfer }) => transfer),
    );
  const [observations] = await Promise.all([observe(tasks), deps.backends.refresh(network)]);
  const before = tasks.map((task, at): TaskResult<T> => ({
    task,
    observation: observations[at] ?? { kind: 'unknown', why: 'no observation' },
  }));
  checkPresentations(deps.presentations, before, now);
  const open = before.filter((one) => isPresentable(one, now));
  const presented = await presentAll({ ...deps, observe, network, endBy, now, connections }, open);
  const after = before.map((one) => {
    // A queue may deliver a payment twice in one batch: the second task gets the same result and is not presented again.
    const result = presented.get(paymentKey(one.task));
    return result === undefined ? one : { ...one, ...result };
  });
  return findBounces(chain, after, now);
};
