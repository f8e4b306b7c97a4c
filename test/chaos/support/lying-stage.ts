import {
  type Agent,
  newAgent,
  type PaidRequest,
  type Reply,
  repeatUntilFinal,
  signRequest,
} from './agent.ts';
import { type Book, isClosed, readBooks } from './account-records.ts';
import type { Answered, Message } from './proxy.ts';
import { mineEverySecond, type Stage, startStage, type ToolName } from './stage.ts';

/** What a facilitator does with one request to settle. `presented`: how often this payment was shown to it before. */
export type Lie = (
  stage: Stage,
  request: PaidRequest,
  forward: () => Promise<Response>,
  presented: number,
) => Promise<Answered>;

/** A stack whose facilitator lies to some payers. */
export type LyingStage = {
  readonly stage: Stage;
  /** An agent that has settled a payment here before, honestly: it is served before its money moves (law 7). */
  readonly knownAgent: (name: string) => Promise<Agent>;
  readonly newcomer: (name: string) => Promise<Agent>;
  /** Signs a request whose payment the facilitator will lie about. */
  readonly sign: (
    agent: Agent,
    tool: ToolName,
    lie: Lie | undefined,
    lifetime?: number,
  ) => Promise<PaidRequest>;
  /** How often the tool was asked to run for a request. */
  readonly runsOf: (request: PaidRequest) => number;
  /** How often a payment was presented. */
  readonly presentedOf: (request: PaidRequest) => number;
  /** Waits for what must become true of an account's book. */
  readonly bookOf: (agent: Agent, holds: (book: Book) => boolean) => Promise<Book>;
};

const BOOK_MS = 90_000;

export const pause = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Starts a stack with a facilitator that lies, and a chain that makes a block a second. */
export const startLyingStage = async (): Promise<LyingStage> => {
  const told = new Map<string, { readonly request: PaidRequest; readonly lie: Lie | undefined }>();
  const presented = new Map<string, number>();
  const runs = new Map<string, number>();
  const count = (counts: Map<string, number>, nonce: string): number => {
    const before = counts.get(nonce) ?? 0;
    counts.set(nonce, before + 1);
    return before;
  };
  const conduct = async (message: Message, forward: () => Promise<Response>): Promise<Answered> => {
    const one = [...told.values()].find(({ request: { nonce } }) =>
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
  const stage = await startStage(conduct);
  const stopMining = mineEverySecond(stage);
  const stop = async (): Promise<void> => {
    stopMining();
    await stage.stop();
  };

  const newcomer = async (name: string): Promise<Agent> => await newAgent(stage, name);
  const sign: LyingStage['sign'] = async (agent, tool, lie, lifetime) => {
    const request = await signRequest(stage, agent, tool, lifetime);
    told.set(request.nonce, { request, lie });
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
  const bookOf: LyingStage['bookOf'] = async ({ id }, holds) => {
    const deadline = Date.now() + BOOK_MS;
    for (;;) {
      const book = (await readBooks(stage.directory)).get(id);
      if (book !== undefined && (holds(book) || Date.now() > deadline)) return book;
      if (Date.now() > deadline) throw new Error(`${id} has no book`);
      await pause(500);
    }
  };
  return {
    stage: { ...stage, stop },
    ...{ knownAgent, newcomer, sign, bookOf },
    runsOf: ({ nonce }) => runs.get(nonce) ?? 0,
    presentedOf: ({ nonce }) => presented.get(nonce) ?? 0,
  };
};

/** Whether everything that is known of these calls has ended. */
export const hasEnded =
  (...requests: readonly PaidRequest[]) =>
  (book: Book): boolean =>
    isClosed(book) && requests.every(({ nonce }) => book.calls.some(({ call }) => call === nonce));
