import { setTimeout as pause } from 'node:timers/promises';
import {
  type Agent,
  newAgent,
  type PaidRequest,
  repeatUntilFinal,
  send,
  signRequest,
} from './support/agent.ts';
import {
  type AccountRecord,
  isClosed,
  movedBy,
  readAccountRecords,
} from './support/account-records.ts';
import type { Party } from './support/proxy.ts';
import { type Case, newInterceptor } from './interceptor.ts';
import { mineEverySecond, type Stage, startStage } from './support/stage.ts';

/** The messages of an upfront call of a new payer: facts about the payer, observation, settlement, observation and receipt, tool. */
export const UPFRONT: readonly Party[] = ['rpc', 'rpc', 'facilitator', 'rpc', 'rpc', 'upstream'];
/**
 * The messages of a deferred call of a known payer: first the tool, then from the queue observation, settlement, observation and receipt.
 */
export const DEFERRED: readonly Party[] = ['upstream', 'rpc', 'facilitator', 'rpc', 'rpc'];

/** A call whose gateway was killed during its stream, and the statuses of its repeats. */
type KilledStream = {
  readonly tool: 'streamed' | 'kept';
  readonly request: PaidRequest;
  readonly statuses: number[];
};

/** A gateway that was killed at every message and restarted, with calls that have not ended yet. */
export type Killed = {
  readonly stage: Stage;
  readonly cases: readonly Case[];
  readonly streams: readonly KilledStream[];
  /** How often the stand-in model received each path. */
  readonly streamRuns: ReadonlyMap<string, number>;
  readonly kills: number;
  /** When the first call was sent, Unix milliseconds. */
  readonly began: number;
  readonly stop: () => Promise<void>;
};

/** Account records and transfers once all calls have ended. */
export type FinalState = {
  readonly stage: Stage;
  readonly cases: readonly Case[];
  readonly streams: readonly KilledStream[];
  readonly streamRuns: ReadonlyMap<string, number>;
  readonly records: ReadonlyMap<string, AccountRecord>;
  readonly moved: ReadonlyMap<string, bigint>;
  readonly kills: number;
};

/** Longer than the leases of attempts (90 s) and holds (80 s). */
const LEASE_MS = 92_000;
/** Time for due payments to reach the chain, and for entries to reach D1. */
const REST_MS = 75_000;
/**
 * Seconds; longer than the lease. If no client repeats an upfront call, its money becomes credit or is released when this authorization
 * ends.
 */
const GONE_LIFETIME = 97;

/** Kills the gateway at every message of a paid call, before and after the other party received it, and restarts it on its state. */
export const killEverywhere = async (): Promise<Killed> => {
  const interceptor = newInterceptor();
  const stage = await startStage(interceptor.intercept);
  interceptor.enter(stage);
  const { gateway } = stage.stack;
  const cases: Case[] = [];
  let kills = 0;

  const prepare = async (
    parts: Pick<Case, 'kind' | 'at' | 'when' | 'client'>,
    agent: Agent,
  ): Promise<Case> => {
    const lifetime =
      parts.kind === 'upfront' && parts.client === 'gone' ? GONE_LIFETIME : undefined;
    const request = await signRequest(stage, agent, parts.kind, lifetime);
    const one: Case = {
      ...parts,
      name: agent.name,
      request,
      replies: [],
      trace: [],
      runs: 0,
      unpaidRuns: 0,
    };
    cases.push(one);
    interceptor.add(one);
    return one;
  };
  const sendAll = async (some: readonly Case[]): Promise<void> => {
    await Promise.all(some.map(async (one) => one.replies.push(await send(one.request))));
  };
  /** Sends the requests, waits until each call has reached its message, kills the gateway and restarts it. */
  const killAt = async (
    some: readonly Case[],
    streaming: readonly KilledStream[] = [],
  ): Promise<void> => {
    const arrivals = Promise.all(some.map(interceptor.arm));
    const answers = sendAll(some);
    await arrivals;
    await Promise.all(streaming.map(async ({ request }) => await beginStream(request)));
    await gateway.kill();
    kills += 1;
    interceptor.dropPending();
    await answers;
    await gateway.restart();
  };

  try {
    const whens = ['before', 'after'] as const;
    const clients = ['repeats', 'gone'] as const;
    const plan = [
      ...[...UPFRONT.keys()].flatMap((index) =>
        whens.flatMap((when) =>
          clients.map((client) => ({ kind: 'upfront' as const, at: index + 1, when, client })),
        ),
      ),
      ...[...DEFERRED.keys()].flatMap((index) =>
        whens.map((when) => ({
          ...{ kind: 'deferred' as const, at: index + 1, when },
          client: 'repeats' as const,
        })),
      ),
      ...(['upfront', 'deferred'] as const).map((kind) => ({
        ...{ kind, at: 0, when: 'before' as const, client: 'repeats' as const },
      })),
    ];
    const staffed = await Promise.all(
      plan.map(async (parts) => {
        const name = `${parts.kind} ${parts.when} ${parts.at}, client ${parts.client}`;
        return { parts, agent: await newAgent(stage, name) };
      }),
    );
    // The gateway settles deferred only for payers with a settled payment (law 7).
    const known = await Promise.all(
      staffed
        .filter(({ parts }) => parts.kind === 'deferred')
        .map(async ({ parts, agent }) => {
          const first = await prepare({ ...parts, kind: 'upfront', at: 0 }, agent);
          await sendAll([first]);
          return first;
        }),
    );
    if (known.some(({ replies }) => replies[0]?.status !== 200))
      throw new Error(`no first payment: ${JSON.stringify(known.map(({ replies }) => replies))}`);

    const ready = await Promise.all(
      staffed.map(async ({ parts, agent }) => await prepare(parts, agent)),
    );
    const inRequest = ready.filter(({ kind, at }) => at > 0 && (kind === 'upfront' || at === 1));
    const streams = await Promise.all(
      (['streamed', 'kept'] as const).map(async (tool): Promise<KilledStream> => {
        const agent = await newAgent(stage, `killed amid a stream: ${tool}`);
        if (tool === 'streamed') await send(await signRequest(stage, agent, 'upfront'));
        return { tool, request: await signRequest(stage, agent, tool), statuses: [] };
      }),
    );
    const began = Date.now();
    await killAt(inRequest, streams);
    await repeatStreams(streams);
    await sendAll(inRequest.filter(({ client }) => client === 'repeats'));
    for (const one of ready) if (one.kind === 'deferred' && one.at > 1) await killAt([one]);

    // Two calls without a kill prove that UPFRONT and DEFERRED list every message.
    const control = ready.filter(({ at }) => at === 0);
    await Promise.all(control.map(interceptor.arm));
    await sendAll(control);

    // The gateway releases a payment only after a block later than `validBefore`.
    const stopMining = mineEverySecond(stage);
    const stop = async (): Promise<void> => {
      stopMining();
      await stage.stop();
    };
    return { stage, cases, streams, streamRuns: interceptor.streams, kills, began, stop };
  } catch (error) {
    await stage.stop();
    throw error;
  }
};

/** Sends a request and waits for the first bytes of its stream. */
const beginStream = async ({ url, header }: PaidRequest): Promise<void> => {
  const answer = await fetch(url, { headers: { 'PAYMENT-SIGNATURE': header } });
  const reader = answer.body?.getReader();
  const first = await reader?.read();
  if (answer.status !== 200 || first?.value === undefined)
    throw new Error(`no stream: ${answer.status}`);
  // The gateway dies before this stream ends.
  void reader?.read().catch(() => undefined);
};

const repeatStreams = async (streams: readonly KilledStream[]): Promise<void> => {
  await Promise.all(
    streams.map(async ({ request, statuses }) => statuses.push((await send(request)).status)),
  );
};

/** Repeats the requests of the remaining clients when the leases of killed attempts are over, and waits until all calls have ended. */
export const waitUntilEnded = async ({
  stage,
  cases,
  streams,
  streamRuns,
  kills,
  began,
}: Killed): Promise<FinalState> => {
  await pause(began + LEASE_MS - Date.now());
  await repeatStreams(streams);
  await Promise.all(
    cases
      .filter(({ client }) => client === 'repeats')
      .map(async ({ request, replies }) => await repeatUntilFinal(request, 45_000, replies)),
  );
  const deadline = Date.now() + REST_MS;
  let records = await readAccountRecords(stage.directory);
  while (![...records.values()].every(isClosed) && Date.now() < deadline) {
    await pause(1000);
    records = await readAccountRecords(stage.directory);
  }
  const moved = new Map<string, bigint>();
  for (const { request } of [...cases, ...streams])
    moved.set(request.agent.id, await movedBy(stage, request.agent.address));
  return { stage, cases, streams, streamRuns, records, moved, kills };
};
