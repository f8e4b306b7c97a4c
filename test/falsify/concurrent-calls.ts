import type { SignedGrant } from '../../src/protocol/account/grant.ts';
import { pause } from './clock.ts';
import type { Fleet } from './fleet.ts';
import type { Ending, Gateway, PlannedCall } from './gateway.ts';
import type { Plan } from './plan.ts';
import type { Random } from './random.ts';
import type { Disruption } from './disruptions.ts';

const ENDINGS: readonly [Ending, ...Ending[]] = [
  'silent',
  ...Array.from({ length: 3 }, () => 'never' as const),
  ...Array.from({ length: 64 }, () => 'success' as const),
  ...Array.from({ length: 10 }, () => 'failure' as const),
  ...Array.from({ length: 7 }, () => 'cheaper' as const),
  ...Array.from({ length: 15 }, () => 'streamed' as const),
];

const ROUND_MS = 10;
const MAX_TRIES = 6;

/** Every account makes all its calls at once, at random prices, while disruptions and message faults occur. */
export const callConcurrently = async (
  { budget }: Plan,
  { members }: Fleet,
  calls: number,
  gateway: Gateway,
  disruptions: readonly Disruption[],
  each: (done: number) => Promise<void>,
  random: Random,
): Promise<void> => {
  const planned = members.flatMap((member): PlannedCall[] =>
    Array.from({ length: calls }, () => ({
      member,
      branch: random.pick(
        member.branches as [readonly SignedGrant[], ...(readonly SignedGrant[])[]],
      ),
      price: random.amount(budget.least, budget.most),
      ending: random.pick(ENDINGS),
    })),
  );
  let done = 0;
  const all = Promise.all(
    planned.map(async (plan) => {
      await callUntilReached(plan, gateway);
      done += 1;
    }),
  );
  const started: Promise<void>[] = [];
  const waiting = [...disruptions];
  while (done < planned.length) {
    await pause(ROUND_MS);
    await each(done);
    while (waiting[0] !== undefined && waiting[0].at * planned.length <= done) {
      started.push(waiting.shift()?.run() ?? Promise.resolve());
    }
  }
  await Promise.all([all, ...started]);
};

/** Makes a call. If no ancestor answered, makes it again as a new call. */
const callUntilReached = async (plan: PlannedCall, gateway: Gateway): Promise<void> => {
  for (let tried = 0; tried < MAX_TRIES; tried += 1) {
    const answer = await gateway(plan);
    if (answer.result !== 'denied' || answer.denial.rule !== 'unreachable') return;
    await pause(ROUND_MS * 2 ** tried);
  }
};
