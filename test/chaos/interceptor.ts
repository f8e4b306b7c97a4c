import type { PaidRequest, Reply } from './support/agent.ts';
import { movedBy } from './support/account-records.ts';
import type { Answered, Message, Party } from './support/proxy.ts';
import { answerAsModel } from '../../dev/upstream/model-answer.ts';
import { MODEL, type Stage } from './support/stage.ts';

/** A payment, and the message of its call at which the test kills the gateway. */
export type Case = {
  readonly name: string;
  readonly kind: 'upfront' | 'deferred';
  readonly request: PaidRequest;
  /** The number of that message, counted from 1; 0 for no kill. */
  readonly at: number;
  /** Whether the other party has received the message when the gateway is killed. */
  readonly when: 'before' | 'after';
  /** Whether the client repeats its request after the gateway has restarted. */
  readonly client: 'repeats' | 'gone';
  /** All answers to the client, in order. */
  readonly replies: Reply[];
  /** Messages of this call until the kill. */
  readonly trace: Party[];
  /** How often the upstream received the call, over all restarts of the gateway. */
  runs: number;
  /** How many of these runs happened before the chain had moved the price. */
  unpaidRuns: number;
};

const WAIT_MS = 25_000;

/** Tells whether a message belongs to a call. A receipt request names only the transaction, which the facilitator returned before. */
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

/** Counts the messages of each call and holds the one at which the test kills the gateway. */
export const newInterceptor = () => {
  const armed = new Map<Case, () => void>();
  const all: Case[] = [];
  const transactions = new Map<Case, string>();
  let dead = Promise.withResolvers<Answered>();
  let stage: Stage | undefined;
  const streams = new Map<string, number>();
  const intercept = async (
    message: Message,
    forward: () => Promise<Response>,
  ): Promise<Answered> => {
    if (message.party === 'upstream' && message.path.startsWith(MODEL)) {
      streams.set(message.path, (streams.get(message.path) ?? 0) + 1);
      return answerAsModel({ mode: 'hangs', events: 2, tokens: 0 });
    }
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
    intercept,
    /** How often the stand-in model received each path. It begins a stream and falls silent. */
    streams: streams as ReadonlyMap<string, number>,
    /** Sets the stage whose chain shows the transfers. */
    enter: (on: Stage) => {
      stage = on;
    },
    add: (one: Case) => {
      all.push(one);
    },
    /** Resolves when the call has reached its message. */
    arm: async (one: Case): Promise<void> => {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`${one.name} sent only these messages: ${one.trace.join(' ')}`)),
          WAIT_MS,
        );
        armed.set(one, () => {
          clearTimeout(late);
          resolve();
        });
        if (one.at === 0) resolve();
      });
    },
    /** Breaks the connections of held messages after a kill. */
    dropPending: () => {
      for (const one of armed.keys()) if (one.at > 0) armed.delete(one);
      dead.resolve('drop');
      dead = Promise.withResolvers();
    },
  };
};
