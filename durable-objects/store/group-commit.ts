/**
 * The engine under every object: nouns, decisions, group commit.
 *
 * - A **noun** (`noun.ts`) is a keyed value with one descriptor: `{name, key, encode, decode}`, and the fields that queries compare.
 * - A **decision** (`decision.ts`) is pure and synchronous: from the state, a reader and a clock to `{state, writes, entries, verdict}`.
 * - A **group** is the commands that arrive while the last commit is being made durable, or in one turn. They are decided one after the other, each on the
 *   writes of its predecessors (`overlay.ts`), written in one transaction, and answered only after `sync()` resolves. There is no timer.
 * - A **deferred** decision needs no commit of its own: it is decided first in the next group, at the latest after `DEFER_MS`.
 * - A **disk** (`disk.ts`) stores the writes of a group as one row of a journal (`engine.ts`) and counts the rows. Nothing above it knows SQL.
 *
 * Race: an answer that leaves before its commit is durable could be undone by a crash, and the caller would run the tool twice. A single
 * runner takes the groups, so every decision sees exactly the state that its predecessor left.
 */
import { nowSeconds, type Seconds } from '../../src/core/clock.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { openAlarm } from './alarm.ts';
import type { DecisionSpans } from './decision-spans.ts';
import { type Decision, isDurable } from './decision.ts';
import type { Disk } from './disk.ts';
import { ENTRY } from './entry.ts';
import { type Noun, put, type Write } from './noun.ts';
import { openOverlay } from './overlay.ts';
import type { Reader } from './query.ts';
import { openDisk } from './open-disk.ts';

/** The delay of the alarm that retries after a failed commit. */
const FAILED_PAUSE: Seconds = 30;
/** How long a deferred decision waits for a group, milliseconds. */
const DEFER_MS = 1_000;
/** Decisions that wait at once: a busy object decides them in a quarter of a second. */
const MAX_WAITING = 1_000;

export type Decide<State, Context, Memory, Verdict> = (
  state: State,
  context: Context,
  memory: Memory,
) => Decision<State, Verdict>;

/** The values that a group has stored. */
export type Committed<State> = {
  readonly state: State;
  readonly writes: readonly Write[];
  readonly entries: readonly Entry[];
  readonly now: Seconds;
};

/** The parts that an object supplies to the engine. `Memory` is a cache: storage is the truth, and memory is rebuilt from it. */
export type Model<State, Context, Memory extends { state: State }> = {
  /** Names the object in logs. */
  readonly name: string;
  /** The noun of the object's own state, which every durable group stores. */
  readonly state: Noun<State>;
  wake(disk: Disk, now: Seconds): Memory;
  /** Returns the reader for decisions: a model may answer some reads from memory, without the disk. */
  readerOf(memory: Memory, disk: Disk): Reader;
  contextOf(memory: Memory, read: Reader, now: Seconds): Context;
  /** Adds the consequences that every decision may have, such as alerts. */
  complete<Verdict>(
    before: State,
    decision: Decision<State, Verdict>,
    context: Context,
  ): Decision<State, Verdict>;
  /** Updates memory from a written group. @returns its entries, in order. */
  remember(memory: Memory, committed: Committed<State>): readonly Entry[];
  /** Every entry up to this seq is in D1: the values that contain it may be forgotten. */
  exportedOf(state: State): number;
  /** Returns when the alarm must fire next; undefined if nothing will be due. */
  nextDue(memory: Memory, now: Seconds): Seconds | undefined;
  /** Opens the spans of a command that is submitted; undefined if its invocation is not traced. */
  openSpans?(): DecisionSpans | undefined;
  /** Runs after a group is durable and before it is answered. */
  afterCommit(memory: Memory, added: readonly Entry[]): void;
};

export type GroupCommit<State, Context, Memory> = {
  /** Decides, commits with its group, then answers; answers `refused` if the commit failed. */
  submit<Verdict>(
    decide: Decide<State, Context, Memory, Verdict>,
    refused: Verdict,
  ): Promise<Verdict>;
  /**
   * As `submit`, for a busy object: answers at once, and decides first in the next group, so every decision that is submitted later sees
   * its writes. An object without a commit in the last second commits at once instead.
   *
   * @param isRepeated whether the object repeats this decision if it is lost. A crash or a failed commit may undo what was answered.
   */
  defer<Verdict>(
    decide: Decide<State, Context, Memory, Verdict>,
    isRepeated: (memory: Memory) => boolean,
    accepted: Verdict,
    refused: Verdict,
  ): Promise<Verdict>;
  /** Runs the work of an alarm, then sets the next alarm, even if some of the work failed. */
  rearm(work: (memory: Memory) => Promise<void>): Promise<void>;
  /** Whether as many decisions wait as may wait at once: what can be refused without loss must be. */
  isFull(): boolean;
  /** Returns the disk, which holds durable values only. */
  disk(): Disk;
};

type Job<State, Context, Memory> = {
  readonly decide: Decide<State, Context, Memory, unknown>;
  readonly answer: (verdict: unknown) => void;
  readonly refused: unknown;
  /** Set while the invocation of the command is traced. */
  readonly spans?: DecisionSpans | undefined;
};

export const openGroupCommit = <State, Context, Memory extends { state: State }>(
  storage: DurableObjectStorage,
  model: Model<State, Context, Memory>,
): GroupCommit<State, Context, Memory> => {
  let disk = openDisk(storage);
  let alarm = openAlarm(storage, () => disk);
  let memory: Memory | undefined;
  /** Opened with each memory, of that memory and its disk. */
  let reader: Reader = disk;
  let waiting: Job<State, Context, Memory>[] = [];
  /** Deferred decisions, whose callers already have an answer. */
  let deferred: Job<State, Context, Memory>[] = [];
  let committedAt = -Infinity;
  let isRunning = false;

  const commit = async (group: readonly Job<State, Context, Memory>[]): Promise<unknown[]> => {
    const now = nowSeconds();
    if (memory === undefined) {
      await alarm.load();
      memory = model.wake(disk, now);
      reader = model.readerOf(memory, disk);
    }
    const known = memory;
    const overlay = openOverlay(reader);
    const context = model.contextOf(known, overlay, now);
    const entries: Entry[] = [];
    let { state } = known;
    let stores = false;
    const verdicts = group.map(({ decide }) => {
      const decision = model.complete(state, decide(state, context, known), context);
      ({ state } = decision);
      stores ||= isDurable(decision);
      overlay.add(decision.writes);
      entries.push(...decision.entries);
      return decision.verdict;
    });
    for (const { spans } of group) spans?.decided({ count: group.length, isStored: stores });
    if (!stores) {
      // Race: an instance that the runtime has replaced would answer from its memory. Storage access makes it fail.
      disk.check();
      known.state = state;
      // The runtime drops an alarm that failed too often, so the next request sets it again (law 5).
      if (!alarm.isSet()) await alarm.set(model.nextDue(known, now));
      return verdicts;
    }
    overlay.add([put(model.state, state)]);
    const writes = overlay.writes();
    const stored =
      entries.length === 0 ? writes : [...writes, ...entries.map((entry) => put(ENTRY, entry))];
    disk.write(stored, { now, exported: model.exportedOf(state) });
    const added = model.remember(known, { state, writes, entries, now });
    const set = alarm.set(model.nextDue(known, now));
    await (set === undefined ? storage.sync() : Promise.all([set, storage.sync()]));
    committedAt = Date.now();
    model.afterCommit(known, added);
    return verdicts;
  };

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = [...deferred, ...waiting];
      deferred = [];
      waiting = [];
      try {
        const verdicts = await commit(group);
        group.forEach((job, index) => {
          job.spans?.ended();
          job.answer(verdicts[index]);
        });
      } catch (cause) {
        // A failed commit rejects its whole group (law 2): some commands were decided on writes that do not exist now.
        console.error({ event: 'commit_failed', object: model.name, cause: String(cause) });
        memory = undefined;
        disk.close();
        disk = openDisk(storage);
        alarm = openAlarm(storage, () => disk);
        for (const { answer, refused, spans } of group) {
          spans?.decided({ count: group.length, isStored: false });
          spans?.ended();
          answer(refused);
        }
        await retryLater();
      }
    }
    isRunning = false;
  };

  const submit = <Verdict>(
    decide: Decide<State, Context, Memory, Verdict>,
    refused: Verdict,
  ): Promise<Verdict> =>
    new Promise<Verdict>((resolve) => {
      waiting.push({
        ...{ decide, refused, spans: model.openSpans?.() },
        answer: (verdict) => resolve(verdict as Verdict),
      });
      start();
    });

  /** Starts the runner once all that is submitted in this turn is waiting: it is one group. */
  const start = (): void => {
    if (isRunning) return;
    isRunning = true;
    queueMicrotask(() => void run());
  };

  /** Submits the deferred decisions that no group has taken. */
  const flush = (): void => {
    if (deferred.length === 0) return;
    waiting = [...deferred, ...waiting];
    deferred = [];
    start();
  };

  /** The failed commit may have set the alarm; without an alarm the object would never send its outbox again. */
  const retryLater = async (): Promise<void> => {
    try {
      if (!disk.exists()) return;
      const later = (nowSeconds() + FAILED_PAUSE) * 1000;
      const alarmAt = await storage.getAlarm();
      // Never moves the alarm to a later time: commits that keep failing would postpone it for ever.
      if (alarmAt === null || alarmAt > later) await storage.setAlarm(later);
    } catch (cause) {
      console.error({ event: 'alarm_failed', object: model.name, cause: String(cause) });
    }
  };

  return {
    disk: () => disk,
    isFull: () => waiting.length >= MAX_WAITING,
    async rearm(work) {
      // Memory is missing after a failed commit: try again a little later.
      if (memory === undefined) {
        await storage.setAlarm((nowSeconds() + FAILED_PAUSE) * 1000);
        return;
      }
      alarm.fired();
      await work(memory);
      // A commit has failed meanwhile and dropped the memory.
      const known = memory as Memory | undefined;
      if (known === undefined) await retryLater();
      else await alarm.set(model.nextDue(known, nowSeconds()));
    },
    submit,
    async defer(decide, isRepeated, accepted, refused) {
      const isBusy = Math.abs(Date.now() - committedAt) < DEFER_MS;
      // Only the alarm repeats a lost decision, so without one the answer must wait (law 5).
      if (!isBusy || memory === undefined || !alarm.isSet() || !isRepeated(memory)) {
        return submit(decide, refused);
      }
      if (deferred.length === 0) setTimeout(flush, DEFER_MS);
      deferred.push({ decide, refused, answer: () => undefined });
      return accepted;
    },
  };
};
