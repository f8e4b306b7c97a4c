import type { Network } from '../../protocol/account-id.ts';
import type { Seconds } from '../../core/clock.ts';
import { assign, type Open } from './assign.ts';
import { type Backend, type Patience, RELAYER } from '../backends/backend.ts';
import type { Backends } from '../backends/registry.ts';
import { type Clock, SYSTEM_CLOCK } from '../backends/clock.ts';
import {
  errorOf,
  isInHand,
  isOnChain,
  isPayersFault,
  lessonOf,
  type Presentable,
  type Presented,
} from '../backends/backend-answer.ts';
import type { ChainView } from '../chain/observe-payments.ts';
import type { SettlementTask } from '../message.ts';
import { mayPresent, notePresented, type Presentations } from './presentations.ts';
import { judgeClaim } from '../promises.ts';
import { keyOf, type Seen, type Tried } from './task.ts';
import { outcomeOf } from '../conclude.ts';

type Task = SettlementTask & Tried;

type Wave = {
  readonly backends: Backends;
  readonly presentations: Presentations;
  readonly clock?: Clock;
  readonly network: Network;
  readonly now: Seconds;
  /** Milliseconds of the clock. */
  readonly endBy: number;
  /** Requests that may be on their way at once. */
  readonly connections: number;
  readonly see: (tasks: readonly SettlementTask[]) => Promise<readonly ChainView[]>;
};

/** What is left of a payment after it was presented. */
export type Left = Omit<Seen<Task>, 'task'>;

/** Each wave asks somebody new, so there is an end anyway; this one comes sooner where backends are tried one by one. */
const MOST_WAVES = 8;
/** How long a backend may begin presentations while another one is idle. */
const WAVE_MS = 12_000;
/** One block of a rollup. */
const BLOCK_MS = 2_000;
const WAIT_MS = { others: 2_000, nobody: 10_000 } as const;

/** Surely unused, owed, still valid, and covered: everything else could only burn gas. */
export const isPresentable = <T extends Task>(
  seen: Seen<T>,
  now: Seconds,
): seen is Seen<T> & { readonly task: Open['task']; readonly view: Open['view'] } => {
  const { task, view } = seen;
  return (
    task.kind === 'settle' &&
    view.view === 'unused' &&
    outcomeOf('settle', task.look, view) === undefined &&
    BigInt(now) < task.look.validBefore &&
    view.balance >= task.look.value
  );
};

/**
 * Presents payments of one network to its backends: to the first, and what it did not take in hand to the next, until nobody is left
 * to ask; what is more than the first is shown at once goes to our relayer meanwhile. Between two there is always a look at the chain:
 * who did not answer, or answered 500, may have broadcast the payment, and one that the chain shows is presented to nobody else (law 5).
 */
export const presentAll = async (
  wave: Wave,
  seen: readonly (Seen<Task> & { readonly task: Open['task']; readonly view: Open['view'] })[],
): Promise<ReadonlyMap<string, Left>> => {
  const clock = wave.clock ?? SYSTEM_CLOCK;
  const left = new Map<string, Left>();
  let open: readonly Open[] = firstOf(seen).filter(({ task, view }) =>
    mayPresent(wave.presentations, keyOf(task), view.headBlock, wave.now),
  );
  for (let waves = 0; waves < MOST_WAVES && open.length > 0; waves += 1) {
    if (clock.now() >= wave.endBy) break;
    const groups = assign(open, wave.backends.for(wave.network), wave.presentations);
    if (groups.size === 0) break;
    const connections = shareOf(wave.connections, [...groups.keys()]);
    const answers = await Promise.all(
      [...groups].map(async ([backend, own]) => {
        const patience = { ...patienceFor(wave, backend, clock.now()), connections };
        const said = await backend.present(own.map(presentableOf), patience);
        return own.map((one, at) => ({ one, backend, said: said[at] ?? SILENT }));
      }),
    );
    const shown = answers.flat();
    open = await learn(wave, open, shown, left);
  }
  return left;
};

/** Facilitators of one wave have the connections between them: one that is slow must not make another one time out. */
const shareOf = (connections: number, backends: readonly Backend[]): number => {
  const facilitators = backends.filter(({ width }) => width !== Infinity).length;
  return Math.max(1, Math.floor(connections / Math.max(1, facilitators)));
};

const SILENT: Presented = { kind: 'unreachable', why: 'no_answer' };

type Shown = { readonly one: Open; readonly backend: Backend; readonly said: Presented };

/** Looks at what may have moved, tells the backends how they did, and gives back what the next ones may be asked for. */
const learn = async (
  wave: Wave,
  open: readonly Open[],
  shown: readonly Shown[],
  left: Map<string, Left>,
): Promise<readonly Open[]> => {
  const moved = shown.filter(({ said }) => said.kind !== 'declined' && said.kind !== 'taken');
  // Who breaks after broadcasting shows nothing yet: a block's time of patience is cheaper than a second transaction.
  if (moved.some(({ said }) => mayBeUnderWay(said))) {
    await (wave.clock ?? SYSTEM_CLOCK).sleep(BLOCK_MS);
  }
  const views = await wave.see(moved.map(({ one }) => one.task));
  const after = new Map(moved.map(({ one }, at) => [one, views[at]]));
  const next = new Map<Open, Open | undefined>();
  for (const { one, backend, said } of shown) {
    const { task } = one;
    const view = after.get(one) ?? one.view;
    const key = keyOf(task);
    if (said.kind === 'declined') {
      const declined = { backend: backend.name, why: said.why };
      left.set(key, { ...(left.get(key) ?? { view }), declined });
      next.set(one, { ...one, asked: new Set([...one.asked, backend]) });
      continue;
    }
    left.set(key, { view, presented: { backend: backend.name, said } });
    if (isInHand(said) && !isOnChain(view)) {
      notePresented(wave.presentations, key, {
        block: one.view.headBlock,
        at: wave.now,
        by: backend,
        claim:
          said.kind === 'claimed_success'
            ? {
                block: one.view.headBlock,
                at: wave.now,
                by: backend,
                transaction: said.transaction,
              }
            : undefined,
      });
    }
    judgeClaim(wave.presentations, key, view, backend);
    // What our relayer took and then refuses it does not keep: or no facilitator would ever be shown it.
    const isGivenUp = backend.name === RELAYER && said.kind === 'claimed_failure';
    if (isGivenUp || isOnChain(view)) wave.presentations.delete(key);
    // What did not answer, and what the relayer took, was learnt at once.
    if (said.kind !== 'unreachable' && said.kind !== 'taken') {
      backend.learn(lessonOf(said, task.payment, view), errorOf(said));
    }
    const isPayers = isPayersFault(said, task.payment);
    const mayGoOn = !isInHand(said) && !isPayers && view.view === 'unused';
    next.set(one, mayGoOn ? { task, view, asked: new Set([...one.asked, backend]) } : undefined);
  }
  return open.flatMap((one) => (next.has(one) ? (next.get(one) ?? []) : one));
};

/** No answer, so soon that its transaction cannot be seen yet. */
const mayBeUnderWay = (said: Presented): boolean =>
  said.kind === 'unreachable' &&
  !['timeout', 'credential', 'status_429', 'unavailable'].includes(said.why);

/** A queue delivers twice: each payment once. */
const firstOf = (
  seen: readonly { readonly task: Open['task']; readonly view: Open['view'] }[],
): readonly Open[] => {
  const keys = new Set<string>();
  return seen.flatMap(({ task, view }) => {
    const key = keyOf(task);
    if (keys.has(key)) return [];
    keys.add(key);
    return { task, view, asked: new Set<Backend>() };
  });
};

const patienceFor = (
  { backends, network, endBy }: Wave,
  backend: Backend,
  now: number,
): Patience => {
  const hasOthers = backends.for(network).some((one) => one !== backend);
  return {
    waitMs: hasOthers ? WAIT_MS.others : WAIT_MS.nobody,
    startBy: hasOthers ? now + WAVE_MS : endBy,
    endBy,
    on: 'queue',
  };
};

const presentableOf = ({ task: { account, call, payment, look } }: Open): Presentable => ({
  account,
  call,
  payment,
  sinceBlock: look.sinceBlock,
});
