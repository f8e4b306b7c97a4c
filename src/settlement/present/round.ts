import type { Network } from '../../protocol/account-id.ts';
import type { Seconds } from '../../core/clock.ts';
import { CONNECTIONS } from '../backends/backend.ts';
import type { Backends } from '../backends/registry.ts';
import { type Clock, SYSTEM_CLOCK } from '../backends/clock.ts';
import { type Chain, type ChainView, lookUp } from '../chain/observe-payments.ts';
import type { SettlementTask } from '../message.ts';
import { isPresentable, presentAll } from './present-all.ts';
import type { Presentations } from './presentations.ts';
import { keepPromises } from '../promises.ts';
import { keyOf, type Seen, type Tried } from './task.ts';
import { findBounces } from '../suspects.ts';

export type RoundDeps = {
  readonly chains: ReadonlyMap<Network, Chain>;
  /** One an isolate. */
  readonly backends: Backends;
  /** One an isolate. */
  readonly presentations: Presentations;
  readonly clock?: Clock;
};

/** A batch holds up its queue while it is worked on: a round takes no longer than this, its looks at the chain aside. */
const ROUND_MS = 50_000;

/**
 * One round of settlement over many payments (design §6): look at all of them first, because the chain is the truth and a
 * settled one must not be presented (law 5); present what is surely unused, still valid and covered, earliest deadline first;
 * look again at what was presented; and ask of what is left open whether its payer is the reason.
 */
export const settleRound = async <T extends SettlementTask & Tried>(
  deps: RoundDeps,
  tasks: readonly T[],
  now: Seconds,
): Promise<readonly Seen<T>[]> => {
  const endBy = (deps.clock ?? SYSTEM_CLOCK).now() + ROUND_MS;
  const byDeadline = tasks.toSorted((one, other) =>
    Number(one.look.validBefore - other.look.validBefore),
  );
  const networks = [...Map.groupBy(byDeadline, (task) => task.network)];
  const seen = await Promise.all(
    networks.map(async ([network, own]) => {
      const chain = deps.chains.get(network);
      // A network taken out of the configuration: its payments wait for it to come back.
      if (chain === undefined) {
        const view: ChainView = { view: 'unknown', why: `${network} is not configured` };
        return own.map((task): Seen<T> => ({ task, view }));
      }
      const connections = Math.max(1, Math.floor(CONNECTIONS / networks.length));
      return settleOn(deps, chain, network, own, { now, endBy, connections });
    }),
  );
  const byTask = new Map(seen.flat().map((one) => [one.task, one]));
  return byDeadline.flatMap((task) => byTask.get(task) ?? []);
};

/** `endBy` in milliseconds of the clock; `connections` that may be used at once. */
type Limits = { readonly now: Seconds; readonly endBy: number; readonly connections: number };

const settleOn = async <T extends SettlementTask & Tried>(
  deps: RoundDeps,
  chain: Chain,
  network: Network,
  tasks: readonly T[],
  { now, endBy, connections }: Limits,
): Promise<readonly Seen<T>[]> => {
  const see = async (looked: readonly SettlementTask[]): Promise<readonly ChainView[]> =>
    lookUp(
      chain,
      looked.map(({ look }) => look),
    );
  const [views] = await Promise.all([see(tasks), deps.backends.refresh(network)]);
  const first = tasks.map((task, at): Seen<T> => ({
    task,
    view: views[at] ?? { view: 'unknown', why: 'nothing was seen' },
  }));
  keepPromises(deps.presentations, first, now);
  const open = first.filter((one) => isPresentable(one, now));
  const left = await presentAll({ ...deps, see, network, endBy, now, connections }, open);
  const last = first.map((one) => {
    // A queue delivers twice: the twin of a payment in the same batch is not presented beside it, and hears the same.
    const after = left.get(keyOf(one.task));
    return after === undefined ? one : { ...one, ...after };
  });
  return findBounces(chain, last, now);
};
