import type { ReserveVerdict } from '../../src/protocol/account/call-verdict.ts';
import type { Call, Evidence, Outcome } from '../../src/protocol/account/call.ts';
import type { Denial } from '../../src/protocol/account/denial.ts';
import type { Address, Hex } from '../../src/core/hex.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import {
  callOf,
  factsOf,
  failure,
  intentCallOf,
  stubOf,
  success,
} from '../durable-objects/support.ts';
import { AUDIENCE } from '../durable-objects/tree-support.ts';
import type { JournalCall, Journal } from './journal.ts';
import { pause } from './clock.ts';
import { drawStream, ruledCharge, runStream } from './metered-stream.ts';
import type { Branch, Member } from './fleet.ts';
import type { Random } from './random.ts';

/** How a tool's run ends. `silent` reports a timeout. `never` reports nothing, so the alarm ends the call. `streamed`: a metered stream. */
export type Ending = 'success' | 'failure' | 'cheaper' | 'silent' | 'never' | 'streamed';

export type PlannedCall = {
  readonly member: Member;
  readonly branch: Branch;
  readonly price: bigint;
  readonly ending: Ending;
};

export type CallResult =
  | { readonly result: 'paid'; readonly charged: bigint }
  | { readonly result: 'denied'; readonly denial: Denial }
  /** No retry received a verdict. */
  | { readonly result: 'nothing'; readonly last: string };

/** Makes a call as a gateway does: reserve, run, finish. Retries with the same attempt id if an answer is lost. */
export type Gateway = (plan: PlannedCall) => Promise<CallResult>;

const DAY = 86_400;
const FACILITATOR: Address = `0x${'fa'.repeat(20)}`;
const MAX_TRIES = 60;
const BALANCE = 100_000_000_000_000n;

export const openGateway = (journal: Journal, random: Random): Gateway => {
  const made = new Map<string, number>();
  return async (plan) => {
    const { name } = plan.member;
    const number = made.get(name) ?? 0;
    made.set(name, number + 1);
    const draw = random.fork(`${name} ${number}`);
    const call = callBy(plan, draw);
    const attempt = draw.hex(16);
    const amount = draw.amount(0n, plan.price);
    const took = draw.integer(0, 25);
    const stream =
      plan.ending === 'streamed' ? drawStream(plan.price, draw.fork('stream')) : undefined;
    const ruled = stream && ruledCharge(stream, plan.price);
    const noted = journal.open({ ...plan, id: call.id, ruled });
    const verdict = await reserve(plan.member, call, attempt);
    if (verdict.verdict === 'denied') return { result: 'denied', denial: verdict.denial };
    if (verdict.verdict !== 'go') return { result: 'nothing', last: verdict.verdict };
    noted.admitted = journal.moment();
    await pause(took);
    if (plan.ending === 'never') return { result: 'paid', charged: 0n };
    const outcome = stream ? await runStream(stream, plan.price) : outcomeOf(plan, amount);
    noted.finishing = journal.moment();
    return { result: 'paid', charged: await finish(noted, attempt, outcome) };
  };
};

const callBy = ({ member, branch, price, ending }: PlannedCall, random: Random): Call => {
  const changes: Partial<Call> = {
    id: random.hex(32),
    price,
    audience: AUDIENCE,
    // The authorization must outlast every jump of the clock.
    validBefore: nowSeconds() + 40 * DAY,
    onSilence: ending === 'silent' ? 'keep' : 'release',
    ...(branch[0] === undefined ? {} : { authority: branch[0].hash }),
  };
  if (member.pays === 'payment') {
    const call = callOf(member.payer, changes);
    // Only a permit moves what a metered call has used.
    return ending === 'streamed' && call.payment !== undefined
      ? { ...call, payment: { ...call.payment, permit: { facilitator: FACILITATOR } } }
      : call;
  }
  return intentCallOf(member.payer, { ...changes, settlement: 'credit' });
};

const outcomeOf = ({ ending }: PlannedCall, amount: bigint): Outcome => {
  switch (ending) {
    case 'success':
      return success;
    case 'cheaper':
      return { ...success, amount };
    case 'silent':
      return { ...failure, status: 0, reason: 'timeout' };
    case 'failure':
    case 'never':
    case 'streamed':
      return failure;
  }
};

const reserve = async (member: Member, call: Call, attempt: Hex): Promise<ReserveVerdict> => {
  let evidence: Evidence = {};
  let last: ReserveVerdict = { verdict: 'unavailable' };
  for (let tried = 0; tried < MAX_TRIES; tried += 1) {
    const verdict = await answered(async () =>
      stubOf(member.payer).reserve(call, attempt, evidence),
    );
    if (verdict !== undefined) last = verdict;
    if (verdict?.verdict === 'stale_payer')
      evidence = { facts: { ...factsOf(BALANCE), allowance: BALANCE } };
    else if (verdict !== undefined && verdict.verdict !== 'unavailable') return verdict;
    else await pause(5 * tried);
  }
  return last;
};

const finish = async (noted: JournalCall, attempt: Hex, outcome: Outcome): Promise<bigint> => {
  for (let tried = 0; tried < MAX_TRIES; tried += 1) {
    const verdict = await answered(async () =>
      stubOf(noted.member.payer).finish(noted.id, attempt, outcome),
    );
    if (verdict?.verdict === 'finished' || verdict?.verdict === 'late') {
      noted.charged = verdict.charged;
      noted.kept = verdict.kept === true;
      return verdict.charged;
    }
    if (verdict?.verdict === 'unknown_call')
      throw new Error(`the account has lost the record of ${noted.id}`);
    await pause(5 * tried);
  }
  throw new Error(`the account did not accept the result of ${noted.id} in ${MAX_TRIES} attempts`);
};

/** Returns undefined if the object was aborted during the request. */
const answered = async <T>(request: () => Promise<T>): Promise<Awaited<T> | undefined> => {
  try {
    return await request();
  } catch {
    return undefined;
  }
};
