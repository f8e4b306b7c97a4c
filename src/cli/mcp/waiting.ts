import { setTimeout as sleep } from 'node:timers/promises';
import { type CallToolResult, isCallToolResult } from '@modelcontextprotocol/server';
import type { Agent } from '../../client/agent.ts';
import type { AgentResponse } from '../../client/call-report.ts';
import { CountersignError } from '../../client/errors.ts';
import type { ResumeOptions } from '../../client/pending-approval.ts';
import type { ParkedCall, ParkedCalls } from './parked-calls.ts';
import { againWith, failed, stillWaiting } from './texts.ts';

/** The parts of the host's request that waiting needs. */
export type Waiter = {
  readonly signal: AbortSignal;
  /** Tells the host that its request still runs. */
  readonly progress: (message: string) => Promise<void>;
};

/** Waits for the decisions of people about calls of the host. */
export type Waiting = {
  /** Stores a call that `resume` continues, and waits for its decision as long as the host waits. */
  park(parked: ParkedCall, resume: Resume, waiter: Waiter): Promise<CallToolResult>;
  /** Continues a call that this bridge or an earlier one stored; undefined if there is none. */
  again(call: string, waiter: Waiter): Promise<CallToolResult | undefined>;
  all(): Promise<readonly ParkedCall[]>;
};

type Resume = (options: ResumeOptions) => Promise<AgentResponse>;

type Options = {
  readonly calls: ParkedCalls;
  readonly agent: Pick<Agent, 'resume'>;
  /** How long one request of the host waits. */
  readonly waitMs: number;
  /** Aborts when the bridge ends. */
  readonly signal: AbortSignal;
};

/** Interval of progress messages, ms: shorter than the timeout of every host that progress resets. */
const PROGRESS_MS = 5_000;

/** The longest pause between two questions to the gateway while a host waits, ms. */
const HOST_WAITS_MS = 2_000;

/** Errors after which a call can no longer run. */
const OVER: ReadonlySet<string> = new Set(['approval_refused', 'approval_expired']);

/**
 * A call runs as soon as a person approves it, whether or not the host waits: the call may expire before the model asks again. The bridge
 * keeps the answer until then; after a restart, the gateway returns its stored copy.
 */
export const openWaiting = ({ calls, agent, waitMs, signal }: Options): Waiting => {
  const running = new Map<string, Promise<CallToolResult>>();
  const pacers = new Map<string, Pacer>();

  const pacerOf = (call: string): Pacer => {
    const pacer = pacers.get(call) ?? createPacer();
    pacers.set(call, pacer);
    return pacer;
  };

  const start = (parked: ParkedCall, work: Resume): Promise<CallToolResult> => {
    const { call } = parked.saved;
    const known = running.get(call);
    if (known !== undefined) return known;
    const started = work({ signal, pause: pacerOf(call).pause }).then(resultIn);
    running.set(call, started);
    // After a failure a later request starts the work again. At this moment the promise may have no other handler.
    started.catch(() => running.delete(call));
    return started;
  };

  const wait = async (
    parked: ParkedCall,
    result: Promise<CallToolResult>,
    waiter: Waiter,
  ): Promise<CallToolResult> => {
    const { call } = parked.saved;
    const tell = (): void => {
      void waiter.progress(`waiting for a person to approve ${parked.tool}`).catch(() => undefined);
    };
    tell();
    const timer = setInterval(tell, PROGRESS_MS);
    const leave = pacerOf(call).enter();
    const limit = AbortSignal.any([waiter.signal, signal, AbortSignal.timeout(waitMs)]);
    try {
      const ended = await Promise.race([result, aborted(limit)]);
      if (ended === undefined) return stillWaiting(parked);
      await calls.drop(call);
      running.delete(call);
      pacers.delete(call);
      return ended;
    } catch (cause) {
      const isOver = cause instanceof CountersignError && OVER.has(cause.code);
      if (isOver) await calls.drop(call);
      return failed(cause, isOver ? '' : ` call_again with ${againWith(call)} asks again.`);
    } finally {
      clearInterval(timer);
      leave();
    }
  };

  return {
    all: calls.all,
    park: async (parked, pending, waiter) => {
      await calls.keep(parked);
      return await wait(parked, start(parked, pending), waiter);
    },
    again: async (call, waiter) => {
      const parked = await calls.find(call);
      if (parked === undefined) return undefined;
      const resume: Resume = async (until) => await agent.resume(parked.saved, until);
      return await wait(parked, start(parked, resume), waiter);
    },
  };
};

/** Paces the questions of one waiting call. */
type Pacer = {
  readonly pause: NonNullable<ResumeOptions['pause']>;
  /** A host begins to wait: ends the current pause, and keeps the next ones short until the returned function is called. */
  enter(): () => void;
};

/** Shortens the pause when a host asks: after a long one, the host would learn late that an operator has approved the call. */
const createPacer = (): Pacer => {
  let hosts = 0;
  let nap = new AbortController();
  return {
    pause: async (ms, signal) => {
      nap = new AbortController();
      const until = signal === undefined ? nap.signal : AbortSignal.any([nap.signal, signal]);
      const length = hosts > 0 ? Math.min(ms, HOST_WAITS_MS) : ms;
      // The agent checks its own signal after each pause.
      await sleep(length, undefined, { signal: until }).catch(() => signal?.throwIfAborted());
    },
    enter: () => {
      hosts += 1;
      nap.abort();
      return () => {
        hosts -= 1;
      };
    },
  };
};

/** Reads the result in the answer to a continued call. */
const resultIn = async (answer: AgentResponse): Promise<CallToolResult> => {
  const message: unknown = answer.ok ? await answer.json() : undefined;
  return resultOf((message as { readonly result?: unknown } | undefined)?.result);
};

/** @throws TypeError for anything but a result of `tools/call` */
export const resultOf = (result: unknown): CallToolResult => {
  if (isCallToolResult(result)) return result;
  throw new TypeError('The server returned a result that is not one of tools/call.');
};

/** Resolves when the signal aborts. */
const aborted = async (signal: AbortSignal): Promise<undefined> =>
  await new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
