import { setTimeout as pause } from 'node:timers/promises';
import {
  type Agent,
  newAgent,
  type PaidRequest,
  type Reply,
  repeatUntilFinal,
  signRequest,
} from './agent.ts';
import { accountReader, type AccountRecord, isClosed } from './account-records.ts';
import type { Answered, Message } from './proxy.ts';
import { mineEverySecond, type Stage, startStage, type ToolName } from './stage.ts';

/** How a facilitator answers a request to settle. `presented`: how often it has received this payment before. */
export type Lie = (
  stage: Stage,
  request: PaidRequest,
  forward: () => Promise<Response>,
  presented: number,
) => Promise<Answered>;

/** A stack whose facilitator lies about chosen payments. */
export type LyingStage = {
  readonly stage: Stage;
  /** Creates an agent with a settled payment, whose later payments the gateway settles deferred (law 7). */
  readonly knownAgent: (name: string) => Promise<Agent>;
  readonly newcomer: (name: string) => Promise<Agent>;
  /** Signs a request. The facilitator will answer its payment with `lie`. */
  readonly sign: (
    agent: Agent,
    tool: ToolName,
    lie: Lie | undefined,
    lifetime?: number,
  ) => Promise<PaidRequest>;
  /** How often the upstream received a request. */
  readonly runsOf: (request: PaidRequest) => number;
  /** How often a payment was presented. */
  readonly presentedOf: (request: PaidRequest) => number;
  /** Reads an account's record until `holds` returns true or the time is over. */
  readonly recordOf: (
    agent: Agent,
    holds: (record: AccountRecord) => boolean,
  ) => Promise<AccountRecord>;
};

const RECORD_MS = 90_000;

/** Starts a stack with a lying facilitator and one block per second. */
export const startLyingStage = async (): Promise<LyingStage> => {
  const lies = new Map<string, { readonly request: PaidRequest; readonly lie: Lie | undefined }>();
  const presented = new Map<string, number>();
  const runs = new Map<string, number>();
  const count = (counts: Map<string, number>, nonce: string): number => {
    const before = counts.get(nonce) ?? 0;
    counts.set(nonce, before + 1);
    return before;
  };
  const intercept = async (
    message: Message,
    forward: () => Promise<Response>,
  ): Promise<Answered> => {
    const one = [...lies.values()].find(({ request: { nonce } }) =>
      message.text.includes(message.party === 'upstream' ? `/${nonce.slice(2, 10)}` : nonce),
    );
    if (one === undefined || message.party === 'rpc') return await forward();
    const { request, lie } = one;
    if (message.party === 'upstream') {
      count(runs, request.nonce);
      return await forward();
    }
    const before = count(presented, request.nonce);
    return lie === undefined ? await forward() : await lie(stage, request, forward, before);
  };
  const stage = await startStage(intercept);
  const stopMining = mineEverySecond(stage);
  const stop = async (): Promise<void> => {
    stopMining();
    await stage.stop();
  };

  const newcomer = async (name: string): Promise<Agent> => await newAgent(stage, name);
  const sign: LyingStage['sign'] = async (agent, tool, lie, lifetime) => {
    const request = await signRequest(stage, agent, tool, lifetime);
    lies.set(request.nonce, { request, lie });
    return request;
  };
  const knownAgent = async (name: string): Promise<Agent> => {
    const agent = await newcomer(name);
    const request = await sign(agent, 'upfront', undefined);
    const first: Reply = await repeatUntilFinal(request, 60_000, []);
    if (first.status !== 200)
      throw new Error(`${name}: no first payment: ${JSON.stringify(first)}`);
    return agent;
  };
  const read = accountReader(stage.directory);
  const recordOf: LyingStage['recordOf'] = async ({ id }, holds) => {
    const deadline = Date.now() + RECORD_MS;
    for (;;) {
      const record = await read(id);
      if (record !== undefined && (holds(record) || Date.now() > deadline)) return record;
      if (Date.now() > deadline) throw new Error(`the gateway has stored nothing about ${id}`);
      await pause(500);
    }
  };
  return {
    stage: { ...stage, stop },
    ...{ knownAgent, newcomer, sign, recordOf },
    runsOf: ({ nonce }) => runs.get(nonce) ?? 0,
    presentedOf: ({ nonce }) => presented.get(nonce) ?? 0,
  };
};

/** Returns a condition: the account has ended all its calls, including these. */
export const hasEnded =
  (...requests: readonly PaidRequest[]) =>
  (record: AccountRecord): boolean =>
    isClosed(record) &&
    requests.every(({ nonce }) => record.calls.some(({ call }) => call === nonce));
