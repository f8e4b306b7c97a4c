import type { SignedGrant } from '../../src/protocol/account/grant.ts';
import { pause } from './clock.ts';
import type { Fleet } from './fleet.ts';
import type { Ending, Gateway, Shot } from './gateway.ts';
import type { Plan } from './plan.ts';
import type { Random } from './random.ts';
import type { Upset } from './upsets.ts';

const ENDINGS: readonly [Ending, ...Ending[]] = [
  'silent',
  ...Array.from({ length: 3 }, () => 'never' as const),
  ...Array.from({ length: 79 }, () => 'success' as const),
  ...Array.from({ length: 10 }, () => 'failure' as const),
  ...Array.from({ length: 7 }, () => 'cheaper' as const),
];

const ROUND_MS = 10;
const MOST_TRIES = 6;

/** Every account makes all its calls at once, at random prices, while things happen to accounts, messages and time. */
export const storm = async (
  { budget }: Plan,
  { members }: Fleet,
  calls: number,
  gateway: Gateway,
  upsets: readonly Upset[],
  each: (done: number) => Promise<void>,
  random: Random,
): Promise<void> => {
  const shots = members.flatMap((member): Shot[] =>
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
    shots.map(async (shot) => {
      await insist(shot, gateway);
      done += 1;
    }),
  );
  const happening: Promise<void>[] = [];
  const waiting = [...upsets];
  while (done < shots.length) {
    await pause(ROUND_MS);
    await each(done);
    while (waiting[0] !== undefined && waiting[0].at * shots.length <= done) {
      happening.push(waiting.shift()?.happens() ?? Promise.resolve());
    }
  }
  await Promise.all([all, ...happening]);
};

/** A call that met nobody above is made again, as a new one. */
const insist = async (shot: Shot, gateway: Gateway): Promise<void> => {
  for (let tried = 0; tried < MOST_TRIES; tried += 1) {
    const heard = await gateway(shot);
    if (heard.heard !== 'denied' || heard.denial.rule !== 'unreachable') return;
    await pause(ROUND_MS * 2 ** tried);
  }
};
