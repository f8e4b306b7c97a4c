import type { AccountId } from '../protocol/account-id.ts';
import type { FinishVerdict, ReserveVerdict } from '../protocol/account/call-verdict.ts';
import type { AgentAccountRpc, Question } from '../protocol/account/rpc.ts';
import type { CallAccount } from './gateway.ts';

type Verdict = ReserveVerdict | FinishVerdict;

/** A stub of an account's object. */
type Stub = CallAccount & Pick<AgentAccountRpc, 'decide'>;

/** A question that waits for the request of another call. */
type Waiting = {
  readonly question: Question;
  /** The verdict; or `lead`: ask for yourself, and for those that wait. */
  readonly tell: (told: Verdict | 'lead') => void;
};

/** Questions of one request. */
const MOST = 64;
/** How long a question waits, milliseconds: one call may wait for other accounts of its tree, and must not delay the others for longer. */
const PATIENCE_MS = 1_000;

const UNAVAILABLE = { verdict: 'unavailable' } as const;

/** For each account that this isolate waits for, the questions that follow. */
const lanes = new Map<AccountId, Waiting[]>();

/**
 * Returns how the calls of one request reach an account. While one call of the isolate waits for the account, `reserve` and `finish` of
 * others gather, and go in one request afterwards: a request to an object costs more CPU than the decision. A call that is alone waits for
 * nothing.
 *
 * Platform: the runtime may end a request that others depend on. So a request carries the questions of others only while its own call
 * waits for it, and a call whose carrier falls silent asks alone: both methods are idempotent by (call, attempt).
 */
export const openAccounts = (stubOf: (id: AccountId) => Stub): ((id: AccountId) => CallAccount) => {
  let last: { readonly id: AccountId; readonly account: CallAccount } | undefined;
  return (id) => {
    if (last?.id !== id) last = { id, account: openAccount(() => stubOf(id), id) };
    return last.account;
  };
};

const openAccount = (stubOf: () => Stub, id: AccountId): CallAccount => {
  let stub: Stub | undefined;
  /** Two requests of one stub cost a third less than those of two. A stub that has thrown stays broken. */
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
    askTogether(id, question, (questions) =>
      send(async (known) =>
        questions.length > 1 ? known.decide(questions) : [await askAlone(known, question)],
      ),
    );
  return {
    reserve: (...rest) => ask(['reserve', ...rest]) as Promise<ReserveVerdict>,
    finish: (...rest) => ask(['finish', ...rest]) as Promise<FinishVerdict>,
    lookUp: (question) => send((known) => known.lookUp(question)),
    apply: (command) => send((known) => known.apply(command)),
    standing: (question) => send((known) => known.standing(question)),
    rights: (question) => send((known) => known.rights(question)),
  };
};

const askAlone = (account: Stub, question: Question): Promise<Verdict> =>
  question[0] === 'reserve'
    ? account.reserve(question[1], question[2], question[3])
    : account.finish(question[1], question[2], question[3]);

type Send = (questions: readonly Question[]) => Promise<readonly Verdict[]>;

const askTogether = async (id: AccountId, question: Question, send: Send): Promise<Verdict> => {
  const busy = lanes.get(id);
  const lane = busy ?? [];
  if (busy === undefined) lanes.set(id, lane);
  const told = busy === undefined ? 'lead' : await wait(lane, question);
  if (told === 'late') {
    // The carrier may be gone for good: the next call opens another lane.
    if (lanes.get(id) === lane) lanes.delete(id);
    return (await send([question]))[0] ?? UNAVAILABLE;
  }
  if (told !== 'lead') return told;
  const others = lane.splice(0, MOST - 1);
  try {
    const [own, ...rest] = await send([question, ...others.map((each) => each.question)]);
    for (const [at, { tell }] of others.entries()) tell(rest[at] ?? UNAVAILABLE);
    return own ?? UNAVAILABLE;
  } catch (cause) {
    // Whether the account decided the others' questions is unknown, so their callers repeat them.
    for (const { tell } of others) tell(UNAVAILABLE);
    throw cause;
  } finally {
    const next = lane.shift();
    if (next !== undefined) next.tell('lead');
    else if (lanes.get(id) === lane) lanes.delete(id);
  }
};

/** Waits for the request under way. @returns the verdict, `lead` when it is this call's turn to ask, or `late`. */
const wait = async (lane: Waiting[], question: Question): Promise<Verdict | 'lead' | 'late'> => {
  const told = Promise.withResolvers<Verdict | 'lead' | 'late'>();
  const own: Waiting = { question, tell: told.resolve };
  lane.push(own);
  const timer = setTimeout(() => {
    // Otherwise it could get the lead after it has left, and those behind it would wait for nothing.
    const at = lane.indexOf(own);
    if (at >= 0) lane.splice(at, 1);
    told.resolve('late');
  }, PATIENCE_MS);
  const verdict = await told.promise;
  clearTimeout(timer);
  return verdict;
};
