import type { Outcome } from '../../src/protocol/account/finish.ts';
import type { ReserveVerdict } from '../../src/protocol/account/reserve.ts';
import type { Denial } from '../../src/protocol/account/denial.ts';
import type { Call, Evidence } from '../../src/protocol/account/call.ts';
import type { Hex } from '../../src/core/hex.ts';
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
import type { Booked, Books } from './books.ts';
import { pause } from './clock.ts';
import type { Branch, Member } from './fleet.ts';
import type { Random } from './random.ts';

/** What a tool does in the end; `never`: nobody ever says, until the alarm ends it. */
export type Ending = 'success' | 'failure' | 'cheaper' | 'silent' | 'never';

export type Shot = {
  readonly member: Member;
  readonly branch: Branch;
  readonly price: bigint;
  readonly ending: Ending;
};

export type Heard =
  | { readonly heard: 'paid'; readonly charged: bigint }
  | { readonly heard: 'denied'; readonly denial: Denial }
  /** No answer that says anything, as often as it was asked. */
  | { readonly heard: 'nothing'; readonly last: string };

/** What a gateway does between an agent and its account: it asks again, by the same attempt, when an answer got lost. */
export type Gateway = (shot: Shot) => Promise<Heard>;

const DAY = 86_400;
const MOST_TRIES = 60;
const BALANCE = 100_000_000_000_000n;

export const openGateway = (books: Books, random: Random): Gateway => {
  const made = new Map<string, number>();
  return async (shot) => {
    const { name } = shot.member;
    const number = made.get(name) ?? 0;
    made.set(name, number + 1);
    const draw = random.fork(`${name} ${number}`);
    const call = callBy(shot, draw);
    const attempt = draw.hex(16);
    const amount = draw.amount(0n, shot.price);
    const took = draw.integer(0, 25);
    const booked = books.open({ ...shot, id: call.call });
    const verdict = await reserve(shot.member, call, attempt);
    if (verdict.verdict === 'denied') return { heard: 'denied', denial: verdict.denial };
    if (verdict.verdict !== 'go') return { heard: 'nothing', last: verdict.verdict };
    booked.went = books.moment();
    await pause(took);
    if (shot.ending === 'never') return { heard: 'paid', charged: 0n };
    booked.ending = books.moment();
    return { heard: 'paid', charged: await finish(booked, attempt, outcomeOf(shot, amount)) };
  };
};

const callBy = ({ member, branch, price, ending }: Shot, random: Random): Call => {
  const changes: Partial<Call> = {
    call: random.hex(32),
    price,
    audience: AUDIENCE,
    // Good beyond every move of the clock.
    validBefore: nowSeconds() + 40 * DAY,
    onSilence: ending === 'silent' ? 'keep' : 'release',
    ...(branch[0] === undefined ? {} : { authority: branch[0].hash }),
  };
  return member.pays === 'payment'
    ? callOf(member.payer, changes)
    : intentCallOf(member.payer, { ...changes, settlement: 'credit' });
};

const outcomeOf = ({ ending }: Shot, amount: bigint): Outcome => {
  switch (ending) {
    case 'success':
      return success;
    case 'cheaper':
      return { ...success, amount };
    case 'silent':
      return { ...failure, status: 0, reason: 'timeout' };
    case 'failure':
    case 'never':
      return failure;
  }
};

const reserve = async (member: Member, call: Call, attempt: Hex): Promise<ReserveVerdict> => {
  let evidence: Evidence = {};
  let last: ReserveVerdict = { verdict: 'unavailable' };
  for (let tried = 0; tried < MOST_TRIES; tried += 1) {
    const heard = await answered(async () => stubOf(member.payer).reserve(call, attempt, evidence));
    if (heard !== undefined) last = heard;
    if (heard?.verdict === 'stale_payer') evidence = { facts: factsOf(BALANCE) };
    else if (heard !== undefined && heard.verdict !== 'unavailable') return heard;
    else await pause(5 * tried);
  }
  return last;
};

const finish = async (booked: Booked, attempt: Hex, outcome: Outcome): Promise<bigint> => {
  for (let tried = 0; tried < MOST_TRIES; tried += 1) {
    const heard = await answered(async () =>
      stubOf(booked.member.payer).finish(booked.id, attempt, outcome),
    );
    if (heard?.verdict === 'finished' || heard?.verdict === 'late') {
      booked.charged = heard.charged;
      booked.kept = heard.kept === true;
      return heard.charged;
    }
    if (heard?.verdict === 'unknown_call') throw new Error(`${booked.id} was forgotten`);
    await pause(5 * tried);
  }
  throw new Error(`${booked.id} could not be ended`);
};

/** Undefined where the object died over it. */
const answered = async <T>(ask: () => Promise<T>): Promise<Awaited<T> | undefined> => {
  try {
    return await ask();
  } catch {
    return undefined;
  }
};
