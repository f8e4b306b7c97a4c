import { nowSeconds } from '../../src/core/clock.ts';
import { periodOf } from '../../src/policy/window.ts';
import { type Clock, pause } from './clock.ts';
import type { Budget } from './budget.ts';
import type { Branch, Fleet, Member } from './fleet.ts';
import type { Gateway } from './gateway.ts';

/** Rules that may deny a call once the budget is used up. */
const LIMITS: readonly string[] = ['window', 'lifetime', 'credit'];
/** Concurrent calls of one branch while much remains. */
export const WIDTH = 4;
/** Divides the price after a denial. */
export const STEP = 4n;
const MAX_PERIODS = 4;
/** Most calls of a branch at a price below the first, at price 1 in the last rounds, and most of those rounds. */
const MAX_SMALL = 150;
const MAX_LAST = 20;
const MAX_ROUNDS = 10;
const MAX_FAILURES = 20;
/** Seconds that a window must still run when the measuring starts. */
const MIN_REST = 45;

type Caller = { readonly member: Member; readonly branch: Branch };

const callersOf = ({ members }: Fleet): readonly Caller[] =>
  members.flatMap((member) => member.branches.map((branch) => ({ member, branch })));

/** Calls at ever lower prices until every account is denied a call of price 1: no account can use the amount that remains. */
export const exhaust = async (
  fleet: Fleet,
  gateway: Gateway,
  clock: Clock,
  budget: Budget,
): Promise<void> => {
  // A repeated message may have reported calls that have ended. Parents request usage from their children at most once a second.
  clock.shift(2);
  for (let tried = 0; tried < MAX_PERIODS; tried += 1) {
    enterPeriod(fleet, clock);
    const began = nowSeconds();
    await useUp(fleet, gateway, budget);
    // A slow machine may need longer than a window lasts. Use up the next window then.
    if (fleet.limits.every(({ every }) => nowSeconds() < periodOf(every, began).end)) return;
  }
  throw new Error('The windows end before the calls use them up. Run on a faster machine.');
};

const useUp = async (
  fleet: Fleet,
  gateway: Gateway,
  { most: top, tight, backstop }: Budget,
): Promise<void> => {
  // More than all limits of the tree allow together: without this bound, a leaking limit would never end the loop.
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
  // A failing call may return a unit that another account could have used. Go round until no call is paid.
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    let paid = 0;
    for (const caller of callersOf(fleet)) paid += await use(caller, 1n, 1, MAX_LAST);
    if (paid === 0) return;
  }
};

/**
 * Calls until a limit denies one or `goesOn` returns false.
 *
 * @returns how many calls were paid.
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
    // Free denials have a rate (five a second), which a fast storm has used up. The account states when to retry; only then it judges limits.
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

/** Moves the clock to the next period of every window that would end too soon. */
export const enterPeriod = ({ limits }: Fleet, clock: Clock): void => {
  for (const { every } of limits) {
    const now = nowSeconds();
    const left = periodOf(every, now).end - now;
    if (left < MIN_REST) clock.shift(left);
  }
};
