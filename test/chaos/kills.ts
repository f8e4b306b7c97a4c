import {
  type Agent,
  newAgent,
  type PaidRequest,
  repeatUntilFinal,
  type Reply,
  send,
  signRequest,
} from './support/agent.ts';
import { type Book, isClosed, movedBy, readBooks } from './support/books.ts';
import type { Answered, Message, Party } from './support/proxy.ts';
import { type Stage, startStage } from './support/stage.ts';

/** The messages of one upfront call of a newcomer: facts, look, settle, look and its receipt, tool. */
export const UPFRONT: readonly Party[] = ['rpc', 'rpc', 'facilitator', 'rpc', 'rpc', 'upstream'];
/** The messages of one deferred call of a known payer: tool; then the queue: look, settle, look and its receipt. */
export const DEFERRED: readonly Party[] = ['upstream', 'rpc', 'facilitator', 'rpc', 'rpc'];

/** A payment, and the message of its call at which the gateway dies. */
export type Case = {
  readonly name: string;
  readonly kind: 'upfront' | 'deferred';
  readonly request: PaidRequest;
  /** From 1; 0 = never. */
  readonly at: number;
  /** Whether the other side has got the message when the gateway dies. */
  readonly when: 'before' | 'after';
  /** Whether the client sends its request again once the gateway is back. */
  readonly client: 'repeats' | 'gone';
  /** Everything the client was told, in order. */
  readonly heard: Reply[];
  /** Messages of this call until it was killed. */
  readonly trace: Party[];
  /** How often the tool was asked to run, over all lives of the gateway. */
  runs: number;
  /** How often that was before the chain had moved the price. */
  unpaidRuns: number;
};

/** What was left behind when everything had come to rest. */
export type Aftermath = {
  readonly stage: Stage;
  readonly cases: readonly Case[];
  readonly books: ReadonlyMap<string, Book>;
  readonly moved: ReadonlyMap<string, bigint>;
  readonly kills: number;
};

const WAIT_MS = 25_000;
/** Leases of 90 seconds and holds of 61 must run out, and what then is due must reach chain and D1. */
const REST_MS = 75_000;
/** Unless repeated, an upfront call becomes credit, or is released, when its authorization has ended: after the lease. */
const GONE_LIFETIME = 97;

const pause = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A receipt is asked for by the transaction alone, which the facilitator has named. */
const concerns = (
  { text }: Message,
  one: Case,
  transactions: ReadonlyMap<Case, string>,
): boolean => {
  const transaction = transactions.get(one);
  return (
    text.includes(one.request.agent.address.slice(2)) ||
    (transaction !== undefined && text.includes(transaction))
  );
};

/** Counts the messages of each call, and stops the one at which its gateway is to die. */
const newConductor = () => {
  const armed = new Map<Case, () => void>();
  const all: Case[] = [];
  const transactions = new Map<Case, string>();
  let dead = Promise.withResolvers<Answered>();
  let stage: Stage | undefined;
  const conduct = async (message: Message, forward: () => Promise<Response>): Promise<Answered> => {
    const reached: (() => void)[] = [];
    let forwarded = true;
    const concerned = [...armed].filter(([one]) => concerns(message, one, transactions));
    for (const [one, arrived] of concerned) {
      one.trace.push(message.party);
      if (one.trace.length !== one.at) continue;
      reached.push(arrived);
      forwarded &&= one.when === 'after';
    }
    const run = all.find(({ request }) => message.text.includes(request.url.slice(-50)));
    if (forwarded && message.party === 'upstream' && run !== undefined) {
      run.runs += 1;
      const { agent, signed } = run.request;
      const moved = stage === undefined ? 0n : await movedBy(stage, agent.address);
      if (moved < signed.authorization.value) run.unpaidRuns += 1;
    }
    const answer = forwarded ? await forward() : undefined;
    if (message.party === 'facilitator' && answer !== undefined) {
      const { transaction } = (await answer.clone().json()) as { transaction: string };
      for (const [one] of concerned) if (transaction !== '') transactions.set(one, transaction);
    }
    if (reached.length === 0 && answer !== undefined) return answer;
    for (const arrived of reached) arrived();
    return await dead.promise;
  };
  return {
    conduct,
    /** Where to ask what has moved. */
    enter: (on: Stage) => {
      stage = on;
    },
    add: (one: Case) => {
      all.push(one);
    },
    /** Resolves when the call has come to its message. */
    arm: async (one: Case): Promise<void> => {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`${one.name} saw only: ${one.trace.join(' ')}`)),
          WAIT_MS,
        );
        armed.set(one, () => {
          clearTimeout(late);
          resolve();
        });
        if (one.at === 0) resolve();
      });
    },
    /** The gateway is dead: whoever waits for an answer will not hear it. */
    bury: () => {
      for (const one of armed.keys()) if (one.at > 0) armed.delete(one);
      dead.resolve('drop');
      dead = Promise.withResolvers();
    },
  };
};

/**
 * Kills the gateway at every message of a paid call, before and after the other side has got it, restarts it on its state, and
 * waits until everything has come to rest.
 */
export const killEverywhere = async (): Promise<Aftermath> => {
  const conductor = newConductor();
  const stage = await startStage(conductor.conduct);
  conductor.enter(stage);
  const { gateway, chain } = stage.stack;
  const cases: Case[] = [];
  let kills = 0;

  const prepare = async (
    parts: Pick<Case, 'kind' | 'at' | 'when' | 'client'>,
    agent: Agent,
  ): Promise<Case> => {
    const lifetime = parts.kind === 'upfront' && parts.client === 'gone' ? GONE_LIFETIME : 300;
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

    await pause(began + 92_000 - Date.now());
    await Promise.all(
      ready
        .filter(({ client }) => client === 'repeats')
        .map(async ({ request, heard }) => await repeatUntilFinal(request, 45_000, heard)),
    );
    const deadline = Date.now() + REST_MS;
    let books = await readBooks(stage.directory);
    while (![...books.values()].every(isClosed) && Date.now() < deadline) {
      // What is released is released by a block past validBefore; this chain makes none by itself.
      await chain.client.mine({ blocks: 1 });
      await pause(1000);
      books = await readBooks(stage.directory);
    }
    const moved = new Map<string, bigint>();
    for (const { request } of cases)
      moved.set(request.agent.id, await movedBy(stage, request.agent.address));
    return { stage, cases, books, moved, kills };
  } catch (error) {
    await stage.stop();
    throw error;
  }
};
