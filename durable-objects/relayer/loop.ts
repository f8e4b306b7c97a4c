import type { Seconds } from '../../src/core/clock.ts';
import { isTooLate } from '../../src/settlement/relayer/pending.ts';
import { leavesAt } from '../../src/settlement/relayer/choose.ts';
import { confirm } from './confirm.ts';
import type { Relay, Relayed, RelayerStatus } from '../../src/protocol/relayer-contract.ts';
import type { Desk } from './desk.ts';
import { dispatch } from './dispatch.ts';
import { afterwards, take } from './intake.ts';
import { fail, inFlight, type Memory, waitingOf } from './memory.ts';
import { keepUp } from './replace.ts';
import { report } from './report.ts';
import type { Setup } from './setup.ts';
import { standingOf } from './standing.ts';
import { warn } from './warn.ts';

/** A relayer at work. One loop at a time: every nonce is given out by it alone. */
export type Loop = {
  relay(relays: readonly Relay[], urgent: boolean): Promise<readonly Relayed[]>;
  status(): Promise<RelayerStatus>;
  /** One look at everything, and the next alarm. */
  ring(): Promise<void>;
};

/** Facts older than this are read again before payments are judged by them. */
const FRESH: Seconds = 15;
const POLL: Seconds = 1;
const HELD: Seconds = 5;
/** While everything is in blocks that are not final. */
const CONFIRMING: Seconds = 2;
/** How long a round waits for accounts and books; they go on being told meanwhile. */
const REPORT_MS = 5_000;
/** And for whoever is to hear that gas runs out. */
const WARN_MS = 2_000;

export const openLoop = (desk: Desk, disk: DurableObjectStorage): Loop => {
  const { setup, memory, store } = desk;
  let running: Promise<void> | undefined;
  let queued: Promise<void> | undefined;
  let reporting: Promise<void> | undefined;
  let warning: Promise<void> | undefined;
  /** Not known until it is asked for: it outlives the object. */
  let alarmAt: Seconds | 'unknown' | undefined = 'unknown';

  const look = async (): Promise<boolean> => {
    const facts = await desk.node.facts();
    if (facts === undefined) fail(memory, 'node_unreachable', desk.now());
    memory.facts = facts === undefined ? undefined : { facts, at: desk.now() };
    return facts !== undefined;
  };

  const isFresh = (): boolean => memory.facts !== undefined && desk.now() - memory.facts.at < FRESH;

  const work = async (): Promise<void> => {
    try {
      drop(desk);
      if (!(await look()) || memory.facts === undefined) return;
      const { facts } = memory.facts;
      await confirm(desk, facts);
      await keepUp(desk, facts);
      await dispatch(desk, facts);
    } catch (cause) {
      // Alarms stop for good after some failures in a row (platform facts 1.5): whatever went wrong, the next look comes.
      console.error({ event: 'relayer_failed', network: setup.network, cause: String(cause) });
      fail(memory, 'internal', desk.now());
    }
  };

  /** A whole round that begins after now. */
  const run = async (): Promise<void> => {
    if (running === undefined) {
      running = work().finally(() => {
        running = undefined;
      });
      return running;
    }
    queued ??= running.then(async () => {
      queued = undefined;
      return run();
    });
    return queued;
  };

  /** One account that does not answer must not keep transactions from leaving. */
  const tell = async (): Promise<void> => {
    reporting ??= report(desk).finally(() => {
      reporting = undefined;
    });
    await Promise.race([reporting, pause(REPORT_MS)]);
  };

  /** Never throws: an alert that nobody takes is raised again by the next round. */
  const alert = async (): Promise<void> => {
    try {
      warning ??= warn(desk).finally(() => {
        warning = undefined;
      });
      await Promise.race([warning, pause(WARN_MS)]);
    } catch (cause) {
      console.error({ event: 'relayer_warning', network: setup.network, cause: String(cause) });
    }
  };

  const setAlarm = async (at: Seconds | undefined): Promise<void> => {
    if (at === undefined) return;
    if (alarmAt === 'unknown') {
      const stored = await disk.getAlarm();
      alarmAt = stored === null ? undefined : Math.ceil(stored / 1000);
    }
    if (alarmAt !== undefined && alarmAt <= at) return;
    store.countAlarm();
    await disk.setAlarm(at * 1000);
    alarmAt = at;
  };

  return {
    async relay(relays, urgent) {
      const answered = (verdicts: readonly Relayed['verdict'][]): readonly Relayed[] =>
        relays.map(({ call }, at) => ({ call, verdict: verdicts[at] ?? 'unavailable' }));
      try {
        // Whoever cannot see the chain cannot move anything on it: another backend may.
        if (!isFresh() && !(await look())) {
          await setAlarm(dueAt(setup, memory, desk.now()));
          return answered([]);
        }
        const taken = take(desk, relays, urgent);
        const now = desk.now();
        await setAlarm(urgent ? now + POLL : dueAt(setup, memory, now));
        if (taken.includes('gas')) await alert();
        if (!urgent || !taken.includes('taken')) return answered(taken);
        await run();
        const tried = afterwards(desk, relays);
        return answered(
          taken.map((verdict, at) => (verdict === 'taken' ? tried[at] : verdict) ?? verdict),
        );
      } catch (cause) {
        console.error({ event: 'relayer_failed', network: setup.network, cause: String(cause) });
        return answered([]);
      }
    },
    async status() {
      if (!isFresh()) await look();
      return standingOf(desk);
    },
    async ring() {
      alarmAt = undefined;
      try {
        await run();
        if (memory.reports.size > 0) await tell();
        await alert();
      } catch (cause) {
        console.error({ event: 'relayer_failed', network: setup.network, cause: String(cause) });
      }
      const now = desk.now();
      const due = dueAt(setup, memory, now);
      if (due === undefined) return;
      // What should have left and has not, while nothing flies, waits for something outside: gas, a signer, a node.
      const held = memory.facts === undefined || (due <= now && memory.flights.size === 0);
      await setAlarm(Math.max(due, now + (held ? HELD : POLL)));
    },
  };
};

const pause = async (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Payments that no block can take any more are nobody's business here: the account's own look says what they are. */
const drop = ({ memory, store, now }: Desk): void => {
  const flying = inFlight(memory);
  const ended = [...memory.pending.values()]
    .filter((one) => isTooLate(one, now()) && !flying.has(one.key))
    .map(({ key }) => key);
  if (ended.length > 0) store.write({ ended });
  for (const key of ended) {
    memory.pending.delete(key);
    memory.trials.delete(key);
  }
};

/** When there is something to do again; undefined when nothing is pending. */
const dueAt = (setup: Setup, memory: Memory, now: Seconds): Seconds | undefined => {
  if (memory.flights.size > 0) {
    const isUnmined = [...memory.flights.values()].some(({ block }) => block === undefined);
    return now + (isUnmined ? POLL : CONFIRMING);
  }
  const times: number[] = [...memory.reports.values()].map((one) => one.dueAt);
  const leaves = leavesAt(waitingOf(memory, now), setup);
  if (leaves !== undefined) times.push(leaves);
  for (const one of memory.pending.values()) {
    const until = memory.trials.get(one.key)?.until ?? 0;
    // One whose pause is over is among those that wait, or is held: nothing is to be done for that one every few seconds.
    times.push(until > now ? until : Number(one.authorization.validBefore));
  }
  return times.length === 0 ? undefined : Math.max(now, Math.min(...times));
};
