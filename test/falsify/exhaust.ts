import { nowSeconds } from '../../src/core/clock.ts';
import { periodOf } from '../../src/policy/window.ts';
import { type Clock, pause } from './clock.ts';
import type { Budget } from './budget.ts';
import type { Branch, Fleet, Member } from './fleet.ts';
import type { Gateway } from './gateway.ts';

/** Rules that may deny a call when the budget is used up. */
const LIMITS: readonly string[] = ['window', 'lifetime', 'credit'];
/** Number of concurrent calls of a branch while much remains. */
export const WIDTH = 4;
/** The price is divided by this after a denial. */
export const STEP = 4n;
const MAX_PERIODS = 4;
/** The most calls of a branch below the first price, the most at price 1 in the last rounds, and the most such rounds. */
const MAX_SMALL = 150;
const MAX_LAST = 20;
const MAX_ROUNDS = 10;
const MAX_FAILURES = 20;
/** Seconds that a window must still run when the measurement starts. */
const MIN_REST = 45;

type Caller = { readonly member: Member; readonly branch: Branch };

const callersOf = ({ members }: Fleet): readonly Caller[] =>
  members.flatMap((member) => member.branches.map((branch) => ({ member, branch })));

/** Calls at ever lower prices until every account denies a call of price 1, so that no account can use what remains. */
export const exhaust = async (
  fleet: Fleet,
  gateway: Gateway,
  clock: Clock,
  budget: Budget,
): Promise<void> => {
  // A repeated message may have reported calls that have since ended. Parents request reports from their children at most once a second, so
  // move the clock.
  clock.shift(2);
  for (let tried = 0; tried < MAX_PERIODS; tried += 1) {
    enterPeriod(fleet, clock);
    const began = nowSeconds();
    await useUp(fleet, gateway, budget);
    // If a slow machine takes longer than the window lasts, use up the next window.
    if (fleet.limits.every(({ every }) => nowSeconds() < periodOf(every, began).end)) return;
  }
  throw new Error('The windows end before the calls use them up. Run on a faster machine.');
};

const useUp = async (
  fleet: Fleet,
  gateway: Gateway,
  { most: top, tight, backstop }: Budget,
): Promise<void> => {
  // More than all limits of the tree allow together. Without this bound, a leaking limit would make the loop endless.
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
        most = MAX_SMALL;
      }
      await use(caller, 1n, 1, most);
    }),
  );
  // A failing call may return a unit that another account could have used, so repeat until no call is paid.
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    let paid = 0;
    for (const caller of callersOf(fleet)) paid += await use(caller, 1n, 1, MAX_LAST);
    if (paid === 0) return;
  }
};

/**
 * Makes calls until a limit denies one or `goesOn` returns false.
 *
 * @returns how many calls were paid
 */
export const until = async (
  { member, branch }: Caller,
  price: bigint,
  width: number,
  gateway: Gateway,
  goesOn: (paid: number) => boolean,
): Promise<number> => {
  let paid = 0;
  for (let failures = 0; failures < MAX_FAILURES;) {
    if (!goesOn(paid)) return paid;
    const results = await Promise.all(
      Array.from({ length: width }, async () =>
        gateway({ member, branch, price, ending: 'success' }),
      ),
    );
    paid += results.filter((each) => each.result === 'paid').length;
    const denial = results.find((each) => each.result === 'denied')?.denial;
    if (denial !== undefined && LIMITS.includes(denial.rule)) return paid;
    // Denials have a rate limit (five a second), which fast calls use up. The denial states when to retry. Only a later call is decided by
    // the limits.
    if (denial?.rule === 'denial_rate') {
      failures += 1;
      await pause(1_000 * (denial.retryAfter ?? 1));
      continue;
    }
    if (denial !== undefined && denial.rule !== 'unreachable') {
      throw new Error(`${member.name} was denied by ${JSON.stringify(denial)}`);
    }
    if (denial === undefined && results.every((each) => each.result === 'paid')) continue;
    failures += 1;
    await pause(50 * failures);
  }
  throw new Error(`${member.name} got no verdict in ${MAX_FAILURES} rounds`);
};

/** Moves the clock to the next period of every window that would otherwise end too soon. */
export const enterPeriod = ({ limits }: Fleet, clock: Clock): void => {
  for (const { every } of limits) {
    const now = nowSeconds();
    const left = periodOf(every, now).end - now;
    if (left < MIN_REST) clock.shift(left);
  }
};
