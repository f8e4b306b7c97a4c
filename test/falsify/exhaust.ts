import { nowSeconds } from '../../src/core/clock.ts';
import { periodOf } from '../../src/policy/window.ts';
import { type Clock, pause } from './clock.ts';
import type { Budget } from './budget.ts';
import type { Branch, Fleet, Member } from './fleet.ts';
import type { Gateway } from './gateway.ts';

/** What may refuse a call in the end. */
const LIMITS: readonly string[] = ['window', 'lifetime', 'credit'];
/** Calls of one branch at a time, while much is left. */
export const WIDTH = 4;
/** By which a price comes down after a denial. */
export const STEP = 4n;
const MOST_PERIODS = 4;
/** Whoever was denied a larger price gets few calls at a smaller one. */
const MOST_SMALL = 150;
const MOST_LAST = 20;
const MOST_ROUNDS = 10;
const MOST_SILENCES = 20;
/** Enough for what follows: a window must not end meanwhile. */
const ROOM = 45;

type Caller = { readonly member: Member; readonly branch: Branch };

const callersOf = ({ members }: Fleet): readonly Caller[] =>
  members.flatMap((member) => member.branches.map((branch) => ({ member, branch })));

/** Everybody goes on, at ever lower prices, until a call of price 1 is denied to each: what is left then is of no use to anybody. */
export const exhaust = async (
  fleet: Fleet,
  gateway: Gateway,
  clock: Clock,
  budget: Budget,
): Promise<void> => {
  // An old message may have told of calls that run no more; whose money that was is asked for once a second.
  clock.shift(2);
  for (let tried = 0; tried < MOST_PERIODS; tried += 1) {
    enterPeriod(fleet, clock);
    const began = nowSeconds();
    await useUp(fleet, gateway, budget);
    // A slow machine may need longer than a window lasts; then the next one is used up instead.
    if (fleet.limits.every(({ every }) => nowSeconds() < periodOf(every, began).end)) return;
  }
  throw new Error('the windows end faster than they can be used up');
};

const useUp = async (
  fleet: Fleet,
  gateway: Gateway,
  { most: top, tight, backstop }: Budget,
): Promise<void> => {
  // More than all limits of the tree together allow: where one leaks, there is no end to it.
  const enough = 4n * (tight + backstop) + 9n * top;
  let used = 0n;
  const use = async (
    caller: Caller,
    price: bigint,
    width: number,
    most: number,
  ): Promise<number> => {
    const paid = await until(caller, price, width, gateway, (so) => so < most && used < enough);
    used += price * BigInt(paid);
    return paid;
  };
  await Promise.all(
    callersOf(fleet).map(async (caller) => {
      let most = Number(enough / top);
      for (let price = top; price > 1n; price /= STEP) {
        await use(caller, price, WIDTH, most);
        most = MOST_SMALL;
      }
      await use(caller, 1n, 1, most);
    }),
  );
  // One may leave with a unit that another one could have used: each comes once more, until nobody gets anything.
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    let paid = 0;
    for (const caller of callersOf(fleet)) paid += await use(caller, 1n, 1, MOST_LAST);
    if (paid === 0) return;
  }
};

/** Calls until one is denied, or there is no point in it any more; how many were not denied. */
export const until = async (
  { member, branch }: Caller,
  price: bigint,
  width: number,
  gateway: Gateway,
  goesOn: (paid: number) => boolean,
): Promise<number> => {
  let paid = 0;
  for (let silences = 0; silences < MOST_SILENCES;) {
    if (!goesOn(paid)) return paid;
    const heard = await Promise.all(
      Array.from({ length: width }, async () =>
        gateway({ member, branch, price, ending: 'success' }),
      ),
    );
    paid += heard.filter((each) => each.heard === 'paid').length;
    const denial = heard.find((each) => each.heard === 'denied')?.denial;
    if (denial !== undefined && LIMITS.includes(denial.rule)) return paid;
    if (denial !== undefined && denial.rule !== 'unreachable') {
      throw new Error(`${member.name} was denied by ${JSON.stringify(denial)}`);
    }
    if (denial === undefined && heard.every((each) => each.heard === 'paid')) continue;
    silences += 1;
    await pause(50 * silences);
  }
  throw new Error(`${member.name} hears nothing`);
};

/** To the beginning of the next period of whatever window would end too soon. */
export const enterPeriod = ({ limits }: Fleet, clock: Clock): void => {
  for (const { every } of limits) {
    const now = nowSeconds();
    const left = periodOf(every, now).end - now;
    if (left < ROOM) clock.shift(left);
  }
};
