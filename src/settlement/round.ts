import type { Network } from '../core/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import { type Chain, type ChainView, lookUp } from './evidence.ts';
import { type Backend, present } from './facilitator.ts';
import type { SettlementTask } from './message.ts';
import { mayPresent, notePresented, type Presentations } from './presentations.ts';
import { outcomeOf } from './verdict.ts';

export type RoundDeps = {
  readonly chains: ReadonlyMap<Network, Chain>;
  /** In the order they are asked. */
  readonly backends: readonly Backend[];
  /** One an isolate. */
  readonly presentations: Presentations;
};

/** A task as a round left it. */
export type Seen<T extends SettlementTask> = {
  readonly task: T;
  readonly view: ChainView;
  /** Host of the backend that was shown the payment in this round. */
  readonly presentedTo?: string;
};

/** How often a payment was worked on before: another try starts at another backend. */
type Tried = { readonly attempts: number };

const WIDTH = 4;
const PRESENT_TIMEOUT_MS = 30_000;
/** A backend that failed so often in one round is left alone for the rest of it. */
const MAX_FAULTS = 3;

/**
 * One round of settlement over many payments (design §6): look at all of them first, because the chain is the truth and a
 * settled one must not be presented (law 5); present what is surely unused and still valid, earliest deadline first, four
 * at a time; look again at what was presented.
 */
export const settleRound = async <T extends SettlementTask & Tried>(
  deps: RoundDeps,
  tasks: readonly T[],
  now: Seconds,
): Promise<readonly Seen<T>[]> => {
  const byDeadline = tasks.toSorted((one, other) =>
    Number(one.look.validBefore - other.look.validBefore),
  );
  const first = await lookAtAll(deps, byDeadline);
  const presentedTo = await presentOpen(deps, first, now);
  const presented = byDeadline.filter((task) => presentedTo.has(keyOf(task)));
  const again = new Map<T, ChainView>();
  for (const { task, view } of await lookAtAll(deps, presented)) again.set(task, view);
  return first.map(({ task, view }) => {
    const host = presentedTo.get(keyOf(task));
    const seen = { task, view: again.get(task) ?? view };
    return host === undefined ? seen : { ...seen, presentedTo: host };
  });
};

const lookAtAll = async <T extends SettlementTask>(
  deps: RoundDeps,
  tasks: readonly T[],
): Promise<readonly Seen<T>[]> => {
  const views = new Map<T, ChainView>();
  const networks = [...Map.groupBy(tasks, (task) => task.network)];
  await Promise.all(
    networks.map(async ([network, own]) => {
      const chain = deps.chains.get(network);
      // A network taken out of the configuration: its payments wait for it to come back.
      if (chain === undefined) return;
      const seen = await lookUp(
        chain,
        own.map((task) => task.look),
      );
      for (const [at, task] of own.entries()) {
        const view = seen[at];
        if (view !== undefined) views.set(task, view);
      }
    }),
  );
  return tasks.map((task) => ({
    task,
    view: views.get(task) ?? { view: 'unknown', why: `${task.network} is not configured` },
  }));
};

/** @returns the payments that were presented, with the host of the backend: whatever it answered, it may have sent them. */
const presentOpen = async <T extends SettlementTask & Tried>(
  deps: RoundDeps,
  seen: readonly Seen<T>[],
  now: Seconds,
): Promise<ReadonlyMap<string, string>> => {
  const presentedTo = new Map<string, string>();
  const faults = new Map<Backend, number>();
  const presentOne = async ({ task, view }: Seen<T>): Promise<void> => {
    const key = keyOf(task);
    // A queue delivers twice: the twin of a payment in the same batch is not presented beside it.
    if (task.kind !== 'settle' || view.view !== 'unused' || presentedTo.has(key)) return;
    if (outcomeOf('settle', task.look, view) !== undefined) return;
    if (BigInt(now) >= task.look.validBefore) return;
    if (!mayPresent(deps.presentations, key, view.headBlock, now)) return;
    const backend = pick(deps.backends, faults, task.attempts);
    if (backend === undefined) return;
    presentedTo.set(key, new URL(backend.url).host);
    const presented = await present(backend, task.payment, PRESENT_TIMEOUT_MS);
    if (presented.kind === 'unreachable') faults.set(backend, (faults.get(backend) ?? 0) + 1);
    if (presented.kind === 'claimed_success' || presented.kind === 'pending') {
      notePresented(deps.presentations, key, view.headBlock, now);
    }
  };
  // Workers that share one iterator: bounded concurrency, in the order of the deadlines.
  const queue = seen.values();
  await Promise.all(
    Array.from({ length: WIDTH }, async () => {
      for (const one of queue) await presentOne(one);
    }),
  );
  return presentedTo;
};

const pick = (
  backends: readonly Backend[],
  faults: ReadonlyMap<Backend, number>,
  attempts: number,
): Backend | undefined => {
  const start = Math.max(0, attempts - 1) % Math.max(1, backends.length);
  const inTurn = [...backends.slice(start), ...backends.slice(0, start)];
  return inTurn.find((backend) => (faults.get(backend) ?? 0) < MAX_FAULTS);
};

const keyOf = ({ network, look }: SettlementTask): string =>
  `${network} ${look.token} ${look.payer} ${look.nonce}`;
