import { setTimeout as pause } from 'node:timers/promises';
import { answerAsModel, type ModelScript } from '../../../dev/upstream/model-answer.ts';
import {
  type Agent,
  newAgent,
  type PaidRequest,
  type Reply,
  repeatUntilFinal,
  signPermitRequest,
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
  /** Signs a request for a stream of the stand-in model, which answers by `script`. `scheme`: `upto` pays by permit. */
  readonly signStream: (
    agent: Agent,
    scheme: 'exact' | 'upto',
    script: ModelScript,
    lie?: Lie,
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
/** Milliseconds until a stream has reached its caller: it breaks off afterwards. */
const BEGUN_MS = 300;
const begun = async (): Promise<void> => await pause(BEGUN_MS);

/** Starts a stack with a lying facilitator and one block per second. */
export const startLyingStage = async (): Promise<LyingStage> => {
  const lies = new Map<string, { readonly request: PaidRequest; readonly lie: Lie | undefined }>();
  const presented = new Map<string, number>();
  const runs = new Map<string, number>();
  const scripts = new Map<string, ModelScript>();
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
      message.party === 'upstream'
        ? message.text.includes(`/${nonce.slice(2, 10)}`)
        : // A permit has its nonce as a decimal number.
          message.text.includes(nonce) || message.text.includes(BigInt(nonce).toString()),
    );
    if (one === undefined || message.party === 'rpc') return await forward();
    const { request, lie } = one;
    if (message.party === 'upstream') {
      count(runs, request.nonce);
      const script = scripts.get(request.nonce);
      return script === undefined ? await forward() : answerAsModel(script, begun);
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
  const signStream: LyingStage['signStream'] = async (agent, scheme, script, lie) => {
    const request =
      scheme === 'exact'
        ? await signRequest(stage, agent, 'streamed')
        : await signPermitRequest(stage, agent);
    lies.set(request.nonce, { request, lie });
    scripts.set(request.nonce, script);
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
    ...{ knownAgent, newcomer, sign, signStream, recordOf },
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
