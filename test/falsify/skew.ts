import { enterPeriod, STEP, until, WIDTH } from './exhaust.ts';
import type { Findings } from './figures.ts';
import type { Member } from './fleet.ts';
import type { Kind } from './kind.ts';
import { overspendOf, tightest, usageOf } from './measure.ts';
import { rowsOf } from './rows.ts';
import { onStage, type Say } from './stage.ts';

/** The more calls share a budget, the less one of them weighs; in two seconds not many can be made. */
const CALLS = 60;
const STEPS = 32n;

/** Everybody makes one call, and so may hold a share; then one takes what there is. How much of it does it get in this time? */
export const runSkew = (
  seed: number,
  kind: Kind,
  milliseconds: number,
  say: Say,
): Promise<Findings> =>
  onStage(
    `${seed}/skew`,
    kind,
    CALLS,
    async ({ title, plan, fleet, books, clock, gateway, random }) => {
      const { budget } = plan;
      const greedy = random.pick(fleet.members as [Member, ...Member[]]);
      const [branch = []] = greedy.branches;
      enterPeriod(fleet, clock);
      await Promise.all(
        fleet.members.map(async (member) => {
          const [own = []] = member.branches;
          if (member === greedy) return;
          await gateway({
            member,
            branch: own,
            price: random.amount(budget.least, budget.most),
            ending: 'success',
          });
        }),
      );
      const before = books.moment();
      const began = performance.now();
      const inTime = (): boolean => performance.now() < began + milliseconds;
      let paid = 0n;
      const take = async (price: bigint, width: number): Promise<void> => {
        paid +=
          price * BigInt(await until({ member: greedy, branch }, price, width, gateway, inTime));
      };
      for (let price = budget.tight / STEPS + 1n; price > 0n; price /= STEP) {
        await take(price, WIDTH);
      }
      await take(1n, 1);
      const took = Math.round(performance.now() - began);
      const rows = (await Promise.all(fleet.members.map(rowsOf))).flat();
      const usage = usageOf(fleet, books, rows, before, before);
      const { left } = tightest(fleet, greedy, branch, usage, before.at);
      const overspend = overspendOf(fleet, books, rows).units;
      const share = left <= 0n ? 1 : Number(paid) / Number(left);
      say(`${title}: ${greedy.name} spent ${paid} of ${left} in ${took} ms`);
      return { overspend: Number(overspend), usable: 1, usableSkewed: share, contradictions: [] };
    },
  );
