import { setTimeout as pause } from 'node:timers/promises';
import { CountersignError } from '../../src/client/index.ts';
import { RECEIPT_HEADER } from '../../src/client/receipt-claims.ts';
import type { Member } from './fleet.ts';
import { pathOf, soldAs } from './sold.ts';

/** The final result that a caller got. */
export type Told =
  | { readonly kind: 'served'; readonly receipt: string | undefined }
  /** `limit` and `remaining`: atomic units, as the problem states them. */
  | {
      readonly kind: 'denied';
      readonly rule: string;
      readonly limit: string | undefined;
      readonly remaining: string | undefined;
    }
  /** The answer broke off: its tool or the gateway ended in the middle of a stream. */
  | { readonly kind: 'brokeOff' }
  /** The call ended without a charge. */
  | { readonly kind: 'failed'; readonly why: string };

/** One call of the storm and how it ended for its caller. */
export type Called = {
  readonly number: number;
  readonly member: Member;
  readonly told: Told;
};

/** Counts of what the callers have got so far. */
export type Watch = {
  readonly served: () => number;
  readonly denied: () => number;
  /** Attempts that got no answer: repeated with the same signature and the retry key. */
  readonly repeated: () => number;
  /** Attempts that died with the Worker and cost nothing. */
  readonly died: () => number;
};

/** Milliseconds until a caller repeats a call that never reached the gateway and for which it has signed nothing. */
const AGAIN_MS = 500;
/** Milliseconds between two requests for the state of a call whose answer is lost. */
const LOOK_MS = 3_000;
/** Milliseconds after which a caller gives up: longer than the Worker is down and a dead attempt blocks its call. */
const PATIENCE_MS = 150_000;
/** How long the other calls wait for the first stream, for which the gateway loads the meter. Otherwise they would use up the cap. */
const HEAD_START_MS = 10_000;

/**
 * Sends every call at once as soon as the first stream has begun. The clients are honest: they repeat an unanswered request with the same
 * signature.
 *
 * @param from number of the first call: each number is another call
 */
export const startCallers = (
  gateway: string,
  members: readonly Member[],
  calls: number,
  from = 0,
): { readonly watch: Watch; readonly ended: Promise<readonly Called[]> } => {
  let served = 0;
  let denied = 0;
  let repeated = 0;
  let died = 0;
  const begun = Promise.withResolvers<unknown>();
  const ended = Promise.all(
    Array.from({ length: calls }, async (_, at): Promise<Called> => {
      const number = from + at;
      const member = members[number % members.length];
      if (member === undefined) throw new Error('there is no agent');
      const onRepeat = (): void => {
        repeated += 1;
      };
      if (soldAs(number) !== 'model') await Promise.race([begun.promise, pause(HEAD_START_MS)]);
      const first = await callUntilTold(
        member,
        gateway,
        pathOf(number, ''),
        onRepeat,
        begun.resolve,
      );
      // The attempt died with the Worker and cost nothing: the agent buys again, with a new signature.
      if (first.kind === 'failed') died += 1;
      const told =
        first.kind === 'failed'
          ? await callUntilTold(member, gateway, pathOf(number, '/again'), onRepeat, begun.resolve)
          : first;
      if (told.kind === 'served') served += 1;
      if (told.kind === 'denied') denied += 1;
      return { number, member, told };
    }),
  );
  ended.catch(() => undefined);
  return {
    watch: {
      served: () => served,
      denied: () => denied,
      repeated: () => repeated,
      died: () => died,
    },
    ended,
  };
};

const callUntilTold = async (
  { agent }: Member,
  gateway: string,
  path: string,
  onRepeat: () => void,
  onAnswer: (answer: unknown) => void,
): Promise<Told> => {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      const answer = await agent.fetch(gateway + path);
      onAnswer(answer.status);
      const { attempts, problem } = answer.countersign;
      for (let each = 1; each < attempts; each += 1) onRepeat();
      if (answer.ok) {
        const isWhole = await answer.arrayBuffer().then(
          () => true,
          () => false,
        );
        if (!isWhole) return { kind: 'brokeOff' };
        return { kind: 'served', receipt: answer.headers.get(RECEIPT_HEADER) ?? undefined };
      }
      const rule = textIn(problem, 'rule');
      if (rule !== undefined) {
        return {
          ...{ kind: 'denied', rule },
          ...{ limit: textIn(problem, 'limit'), remaining: textIn(problem, 'remaining') },
        };
      }
      return { kind: 'failed', why: `${answer.status} ${problem?.type ?? ''}` };
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      onRepeat();
      if (Date.now() > until) return { kind: 'failed', why: error.message };
      if (error.code !== 'answer_lost' || error.call === undefined) {
        if (error.code !== 'unreachable')
          return { kind: 'failed', why: `${error.code}: ${error.message}` };
        await pause(AGAIN_MS);
        continue;
      }
      return await lookUntilKnown(agent, gateway, error.call, until);
    }
  }
};

const textIn = (
  problem: Readonly<Record<string, unknown>> | undefined,
  name: string,
): string | undefined => {
  const value = problem?.[name];
  return typeof value === 'string' ? value : undefined;
};

const lookUntilKnown = async (
  agent: Member['agent'],
  gateway: string,
  call: string,
  until: number,
): Promise<Told> => {
  for (;;) {
    const record = await agent.look(gateway, call).catch((error: unknown) => error);
    if (record instanceof Error) {
      if (Date.now() > until) return { kind: 'failed', why: record.message };
    } else {
      const { state } = record as Awaited<ReturnType<typeof agent.look>>;
      if (state === 'committed') return { kind: 'served', receipt: undefined };
      if (state !== 'held') return { kind: 'failed', why: state };
      if (Date.now() > until) return { kind: 'failed', why: 'still held' };
    }
    await pause(LOOK_MS);
  }
};
