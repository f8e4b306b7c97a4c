import type { AccountId } from '../protocol/account-id.ts';
import type { FinishVerdict, ReserveVerdict } from '../protocol/account/call-verdict.ts';
import {
  type AgentAccountRpc,
  askAccount,
  type Decided,
  mayWait,
  type Question,
} from '../protocol/account/rpc.ts';
import type { CallAccount } from './gateway.ts';

type Verdict = ReserveVerdict | FinishVerdict;

/** A stub of an account's object. */
type Stub = CallAccount & Pick<AgentAccountRpc, 'decide'>;

/** What a waiting question gets: its verdict; `send`: it is this call's turn to send a batch; `alone`: send this question by itself. */
type Outcome = Verdict | 'send' | 'alone';

/** A question that waits until another call's request has been answered. */
type Waiting = {
  readonly question: Question;
  readonly resolve: (outcome: Outcome) => void;
  /** Called when a batch has the question. */
  readonly taken: () => void;
};

const MAX_BATCH = 64;
/** Questions of one account that wait in this isolate, at most. */
export const MAX_WAITING = 4 * MAX_BATCH;
/** Calls that wait for the decisions of their accounts in this isolate, at most: the isolate decides them in half a second. */
export const MAX_UNDECIDED = 2 * MAX_WAITING;
/** How long a question waits for its batch, and then for the answer, milliseconds. */
export const QUEUED_MS = 1_000;
export const SENT_MS = 10_000;

/** The questions that wait for an account. */
type Queue = {
  readonly waiting: Waiting[];
  /** When the request under way was sent, milliseconds. */
  sentAt: number;
};

/** The queues of accounts with a request under way. If the runtime ends a request, its queue stays until a call asks the account again. */
const queues = new Map<AccountId, Queue>();

/** The calls that wait for a decision, oldest first, with the time since when. */
const undecided = new Set<{ readonly since: number }>();

/** Counts a call that waits for a decision. @returns what ends that */
const enter = (): (() => void) => {
  const own = { since: Date.now() };
  undecided.add(own);
  return () => undecided.delete(own);
};

/** Whether a call must be refused, which is possible only before its first decision. */
const isBusy = (id: AccountId): boolean => {
  // Platform: a request that the runtime has ended never leaves by itself.
  for (const own of undecided) {
    if (Date.now() - own.since < SENT_MS) break;
    undecided.delete(own);
  }
  return undecided.size >= MAX_UNDECIDED || (queues.get(id)?.waiting.length ?? 0) >= MAX_WAITING;
};

/**
 * Batches an isolate's requests to one account. While one call waits for the account, `reserve` and `finish` of other calls queue; then one of
 * them sends them all. A lone call is sent at once.
 *
 * Platform: when the runtime ends an incoming request, its subrequests end too. So each batch is sent by a call that waits for its own answer.
 * A call that has waited too long, or whose batch failed, sends its own request, which is safe because both methods are idempotent by (call,
 * attempt). Only plain values pass from one incoming request to another, through a promise: neither awaits the other's I/O.
 */
export const openBatchedAccounts = (
  stubOf: (id: AccountId) => Stub,
): ((id: AccountId) => CallAccount) => {
  let last: { readonly id: AccountId; readonly account: CallAccount } | undefined;
  return (id) => {
    if (last?.id !== id) last = { id, account: openAccount(() => stubOf(id), id) };
    return last.account;
  };
};

const openAccount = (stubOf: () => Stub, id: AccountId): CallAccount => {
  let stub: Stub | undefined;
  /**
   * Two requests over one stub cost a third less than over two. After an error the stub is unusable, so the next request opens another.
   */
  const send = async <T>(request: (stub: Stub) => Promise<T>): Promise<T> => {
    stub ??= stubOf();
    try {
      return await request(stub);
    } catch (cause) {
      stub = undefined;
      throw cause;
    }
  };
  const ask = (question: Question): Promise<Verdict> =>
    askInBatch(id, question, {
      one: () => send((known) => askAccount(known, question)),
      several: (questions) => send((known) => known.decide(questions)),
    });
  return {
    reserve: async (call, attempt, evidence) => {
      if (mayWait(evidence) && isBusy(id)) return { verdict: 'busy' };
      const leave = enter();
      try {
        return (await ask(['reserve', call, attempt, evidence])) as ReserveVerdict;
      } finally {
        leave();
      }
    },
    finish: (...rest) => ask(['finish', ...rest]) as Promise<FinishVerdict>,
    lookUp: (question) => send((known) => known.lookUp(question)),
    apply: (command) => send((known) => known.apply(command)),
    standing: (question) => send((known) => known.standing(question)),
    rights: (question) => send((known) => known.rights(question)),
  };
};

/** How a call reaches the account: with its own question, or with those of others too. */
type Send = {
  readonly one: () => Promise<Verdict>;
  readonly several: (questions: readonly Question[]) => Promise<readonly Decided[]>;
};

const askInBatch = async (id: AccountId, question: Question, send: Send): Promise<Verdict> => {
  const queue = queues.get(id);
  // Platform: the runtime may have ended the call whose turn it is, with its incoming request.
  const isOpen = queue !== undefined && Date.now() - queue.sentAt < QUEUED_MS;
  if (!isOpen) return sendBatch(id, openQueue(id), question, send);
  const outcome = await wait(id, queue, question);
  if (outcome === 'send') return sendBatch(id, queue, question, send);
  return outcome === 'alone' ? send.one() : outcome;
};

const openQueue = (id: AccountId): Queue => {
  const queue: Queue = { waiting: [], sentAt: Date.now() };
  queues.set(id, queue);
  return queue;
};

const close = (id: AccountId, queue: Queue): void => {
  if (queues.get(id) === queue) queues.delete(id);
};

/** Sends a question together with those that wait, and then lets the next one send. */
const sendBatch = async (
  id: AccountId,
  queue: Queue,
  question: Question,
  send: Send,
): Promise<Verdict> => {
  queue.sentAt = Date.now();
  const others = queue.waiting.splice(0, MAX_BATCH - 1);
  if (others.length === 0) return await send.one().finally(() => passOn(id, queue));
  for (const { taken } of others) taken();
  const batch = [question, ...others.map((each) => each.question)];
  const [own = 'alone', ...rest] = await decideAll(send, batch);
  for (const [at, { resolve }] of others.entries()) resolve(rest[at] ?? 'alone');
  // Before the call asks alone: its decision may wait for other accounts.
  passOn(id, queue);
  return own === 'alone' ? send.one() : own;
};

const passOn = (id: AccountId, queue: Queue): void => {
  const next = queue.waiting.shift();
  if (next === undefined) close(id, queue);
  else next.resolve('send');
};

/** The outcomes of a batch. Of a failed one, each call asks again by itself: the others must not fail with one request. */
const decideAll = async (
  { several }: Send,
  questions: readonly Question[],
): Promise<readonly (Verdict | 'alone')[]> => {
  try {
    const decided = await several(questions);
    return decided.map((each) => (each.verdict === 'alone' ? 'alone' : each));
  } catch (cause) {
    console.error({ event: 'batch_failed', questions: questions.length, cause: String(cause) });
    return [];
  }
};

const wait = async (id: AccountId, queue: Queue, question: Question): Promise<Outcome> => {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  let timer = setTimeout(() => {
    // The request before may never be answered, so the next call opens a queue of its own. This call leaves the queue, because its turn to send
    // could come after it has left.
    close(id, queue);
    const at = queue.waiting.indexOf(own);
    if (at >= 0) queue.waiting.splice(at, 1);
    resolve('alone');
  }, QUEUED_MS);
  const own: Waiting = {
    question,
    resolve,
    taken: () => {
      clearTimeout(timer);
      timer = setTimeout(() => resolve('alone'), SENT_MS);
    },
  };
  queue.waiting.push(own);
  const outcome = await promise;
  clearTimeout(timer);
  return outcome;
};
