import type { Seconds } from '../../src/core/clock.ts';
import type { Relay, Relayed, RelayerStatus } from '../../src/protocol/relayer-contract.ts';
import { dueAt as batchDueAt, isTooLate } from '../../src/settlement/relayer/pending.ts';
import { openAlarm } from '../store/alarm.ts';
import { remove } from '../store/noun.ts';
import { rebroadcast } from './broadcast.ts';
import { confirm } from './confirm.ts';
import type { RelayerContext } from './context.ts';
import { dispatch } from './dispatch.ts';
import { afterwards, dropRefused, take, transactionOf } from './intake.ts';
import { fail, inFlight, type Memory, postponedUntil, waitingOf } from './memory.ts';
import { PENDING } from './pending-noun.ts';
import { report } from './report.ts';
import type { Setup } from './setup.ts';
import { alertLowGas, statusOf } from './status.ts';

/** The relayer's loop. Race: two loops would sign two transactions for one nonce, so each object runs one. */
export type Loop = {
  relay(relays: readonly Relay[], urgent: boolean): Promise<readonly Relayed[]>;
  status(): Promise<RelayerStatus>;
  /** Runs one round and sets the next alarm. */
  onAlarm(): Promise<void>;
};

/** Older facts are read again before payments are admitted. */
const FRESH: Seconds = 15;
const POLL: Seconds = 1;
const HELD: Seconds = 5;
/** The pause while every transaction is in a block that is not final. */
const CONFIRMING: Seconds = 2;
/** How long a round waits for its reports; they continue meanwhile. */
const REPORT_MS = 5_000;
/** How long reading the status waits for the node. */
const STATUS_MS = 1_000;
/** How long a round waits for the alert about low gas. */
const ALERT_MS = 2_000;

export const openLoop = (context: RelayerContext, storage: DurableObjectStorage): Loop => {
  const { setup, memory, disk } = context;
  let running: Promise<void> | undefined;
  let queued: Promise<void> | undefined;
  let reporting: Promise<void> | undefined;
  let alerting: Promise<void> | undefined;
  let seen = memory.facts;
  const alarm = openAlarm(storage, () => disk);

  const look = async (): Promise<boolean> => {
    const facts = await context.node.facts();
    if (facts === undefined) fail(memory, 'node_unreachable', context.now());
    memory.facts = facts === undefined ? undefined : { facts, at: context.now() };
    seen = memory.facts ?? seen;
    return facts !== undefined;
  };

  const isFresh = (): boolean =>
    memory.facts !== undefined && context.now() - memory.facts.at < FRESH;

  /** Reports final transactions. An account that does not answer must not delay transactions. Never throws. */
  const reportAll = async (): Promise<void> => {
    reporting ??= report(context)
      .catch((cause: unknown) => {
        console.error({ event: 'relayer_failed', network: setup.network, cause: String(cause) });
      })
      .finally(() => {
        reporting = undefined;
      });
    await Promise.race([reporting, pause(REPORT_MS)]);
  };

  const work = async (): Promise<void> => {
    try {
      drop(context);
      if (!(await look()) || memory.facts === undefined) return;
      const { facts } = memory.facts;
      await confirm(context, facts);
      // Accounts learn of settled payments while the next transactions are tried, which may take seconds at a slow node.
      if (memory.reports.size > 0) void reportAll();
      await rebroadcast(context, facts);
      await dispatch(context, facts);
    } catch (cause) {
      // The platform stops retrying an alarm after several failures in a row, so the alarm never throws.
      console.error({ event: 'relayer_failed', network: setup.network, cause: String(cause) });
      fail(memory, 'internal', context.now());
    }
  };

  /** Runs a whole round that starts after this call. */
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

  /** Never throws: the next round raises an alert again that the account did not record. */
  const alert = async (): Promise<void> => {
    try {
      alerting ??= alertLowGas(context).finally(() => {
        alerting = undefined;
      });
      await Promise.race([alerting, pause(ALERT_MS)]);
    } catch (cause) {
      console.error({ event: 'relayer_warning', network: setup.network, cause: String(cause) });
    }
  };

  const setAlarm = async (at: Seconds | undefined): Promise<void> => {
    if (at === undefined) return;
    await alarm.load();
    await alarm.set(at);
  };

  return {
    async relay(relays, urgent) {
      const answered = (verdicts: readonly Relayed['verdict'][]): readonly Relayed[] =>
        relays.map((relay, at): Relayed => {
          const verdict = verdicts[at] ?? 'unavailable';
          const transaction = verdict === 'taken' ? transactionOf(context, relay) : undefined;
          return {
            call: relay.call,
            verdict,
            ...(transaction === undefined ? {} : { transaction }),
          };
        });
      try {
        // Without an observation of the chain the relayer can move nothing; another backend may.
        if (!isFresh() && !(await look())) {
          await setAlarm(dueAt(setup, memory, context.now()));
          return answered([]);
        }
        const taken = take(context, relays, urgent);
        const now = context.now();
        await setAlarm(urgent ? now + POLL : dueAt(setup, memory, now));
        if (taken.includes('gas')) await alert();
        if (!urgent || !taken.includes('taken')) {
          dropRefused(context, relays, taken);
          return answered(taken);
        }
        await run();
        const tried = afterwards(context, relays);
        const verdicts = taken.map(
          (verdict, at) => (verdict === 'taken' ? tried[at] : verdict) ?? verdict,
        );
        dropRefused(context, relays, verdicts);
        return answered(verdicts);
      } catch (cause) {
        console.error({ event: 'relayer_failed', network: setup.network, cause: String(cause) });
        return answered([]);
      }
    },
    async status() {
      // A silent node must not delay a read of the status (law 13): the status then has the last known balance and its time.
      if (!isFresh()) await Promise.race([look(), pause(STATUS_MS)]);
      return statusOf(context, seen);
    },
    async onAlarm() {
      alarm.fired();
      try {
        await run();
        if (memory.reports.size > 0) await reportAll();
        await alert();
      } catch (cause) {
        console.error({ event: 'relayer_failed', network: setup.network, cause: String(cause) });
      }
      const now = context.now();
      const due = dueAt(setup, memory, now);
      if (due === undefined) return;
      // A payment that is due while no transaction is open waits for gas, a signer or a node.
      const held = memory.facts === undefined || (due <= now && memory.flights.size === 0);
      await setAlarm(Math.max(due, now + (held ? HELD : POLL)));
    },
  };
};

const pause = async (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Drops payments that no block can include any more: their accounts conclude from the chain what became of them. */
const drop = ({ memory, disk, now }: RelayerContext): void => {
  const flying = inFlight(memory);
  const ended = [...memory.pending.values()]
    .filter((one) => isTooLate(one, now()) && !flying.has(one.key))
    .map(({ key }) => key);
  if (ended.length > 0) disk.write(ended.map((key) => remove(PENDING, key)));
  for (const key of ended) {
    memory.pending.delete(key);
    memory.trials.delete(key);
  }
};

/** When the next round is due; undefined if nothing is pending. */
const dueAt = (setup: Setup, memory: Memory, now: Seconds): Seconds | undefined => {
  if (memory.flights.size > 0) {
    const isUnmined = [...memory.flights.values()].some(({ block }) => block === undefined);
    return now + (isUnmined ? POLL : CONFIRMING);
  }
  const times: number[] = [...memory.reports.values()].map((one) => one.dueAt);
  const batchAt = batchDueAt(waitingOf(memory, now), setup);
  if (batchAt !== undefined) times.push(batchAt);
  for (const one of memory.pending.values()) {
    const until = postponedUntil(memory, one);
    // A payment whose pause is over is waiting or barred; a barred one needs no round before its deadline.
    times.push(until > now ? until : Number(one.authorization.validBefore));
  }
  return times.length === 0 ? undefined : Math.max(now, Math.min(...times));
};
