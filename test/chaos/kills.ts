import { type Agent, newAgent, repeatUntilFinal, send, signRequest } from './support/agent.ts';
import { type Book, isClosed, movedBy, readBooks } from './support/account-records.ts';
import type { Party } from './support/proxy.ts';
import { type Case, newConductor } from './interceptor.ts';
import { mineEverySecond, type Stage, startStage } from './support/stage.ts';

/** The messages of one upfront call of a newcomer: facts, look, settle, look and its receipt, tool. */
export const UPFRONT: readonly Party[] = ['rpc', 'rpc', 'facilitator', 'rpc', 'rpc', 'upstream'];
/** The messages of one deferred call of a known payer: tool; then the queue: look, settle, look and its receipt. */
export const DEFERRED: readonly Party[] = ['upstream', 'rpc', 'facilitator', 'rpc', 'rpc'];

/** A gateway that has been killed everywhere, and restarted; what it had begun is still under way. */
export type Killed = {
  readonly stage: Stage;
  readonly cases: readonly Case[];
  readonly kills: number;
  /** When the first of them was sent, Unix milliseconds. */
  readonly began: number;
  readonly stop: () => Promise<void>;
};

/** What was left behind when everything had come to rest. */
export type Aftermath = {
  readonly stage: Stage;
  readonly cases: readonly Case[];
  readonly books: ReadonlyMap<string, Book>;
  readonly moved: ReadonlyMap<string, bigint>;
  readonly kills: number;
};

/** Leases of 90 seconds and holds of 61 must have run out. */
const LEASE_MS = 92_000;
/** What then is due must reach chain and D1. */
const REST_MS = 75_000;
/** Unless repeated, an upfront call becomes credit, or is released, when its authorization has ended: after the lease. */
const GONE_LIFETIME = 97;

const pause = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Kills the gateway at every message of a paid call, before and after the other side has got it, and restarts it on its state. */
export const killEverywhere = async (): Promise<Killed> => {
  const conductor = newConductor();
  const stage = await startStage(conductor.conduct);
  conductor.enter(stage);
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
      heard: [],
      trace: [],
      runs: 0,
      unpaidRuns: 0,
    };
    cases.push(one);
    conductor.add(one);
    return one;
  };
  const sendAll = async (some: readonly Case[]): Promise<void> => {
    await Promise.all(some.map(async (one) => one.heard.push(await send(one.request))));
  };
  /** Sends, waits until each has come to its message, kills, restarts. */
  const killAt = async (some: readonly Case[]): Promise<void> => {
    const arrivals = Promise.all(some.map(conductor.arm));
    const answers = sendAll(some);
    await arrivals;
    await gateway.kill();
    kills += 1;
    conductor.bury();
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
    // Law 7: only who has settled here before is served before the money moves.
    const known = await Promise.all(
      staffed
        .filter(({ parts }) => parts.kind === 'deferred')
        .map(async ({ parts, agent }) => {
          const first = await prepare({ ...parts, kind: 'upfront', at: 0 }, agent);
          await sendAll([first]);
          return first;
        }),
    );
    if (known.some(({ heard }) => heard[0]?.status !== 200))
      throw new Error(`no first payment: ${JSON.stringify(known.map(({ heard }) => heard))}`);

    const ready = await Promise.all(
      staffed.map(async ({ parts, agent }) => await prepare(parts, agent)),
    );
    const inRequest = ready.filter(({ kind, at }) => at > 0 && (kind === 'upfront' || at === 1));
    const began = Date.now();
    await killAt(inRequest);
    await sendAll(inRequest.filter(({ client }) => client === 'repeats'));
    for (const one of ready) if (one.kind === 'deferred' && one.at > 1) await killAt([one]);

    // Two calls that nobody kills prove that the lists above hold every message.
    const control = ready.filter(({ at }) => at === 0);
    await Promise.all(control.map(conductor.arm));
    await sendAll(control);

    // What is released is released by a block past validBefore.
    const stopMining = mineEverySecond(stage);
    const stop = async (): Promise<void> => {
      stopMining();
      await stage.stop();
    };
    return { stage, cases, kills, began, stop };
  } catch (error) {
    await stage.stop();
    throw error;
  }
};

/** Lets the clients that stayed repeat their requests when the leases of the killed are over, and waits until all is at rest. */
export const comeToRest = async ({ stage, cases, kills, began }: Killed): Promise<Aftermath> => {
  await pause(began + LEASE_MS - Date.now());
  await Promise.all(
    cases
      .filter(({ client }) => client === 'repeats')
      .map(async ({ request, heard }) => await repeatUntilFinal(request, 45_000, heard)),
  );
  const deadline = Date.now() + REST_MS;
  let books = await readBooks(stage.directory);
  while (![...books.values()].every(isClosed) && Date.now() < deadline) {
    await pause(1000);
    books = await readBooks(stage.directory);
  }
  const moved = new Map<string, bigint>();
  for (const { request } of cases)
    moved.set(request.agent.id, await movedBy(stage, request.agent.address));
  return { stage, cases, books, moved, kills };
};
