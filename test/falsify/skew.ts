import { enterPeriod, STEP, until, WIDTH } from './exhaust.ts';
import type { Findings } from './figures.ts';
import type { Member } from './fleet.ts';
import type { Kind } from './kind.ts';
import { overspendOf, tightest, usageOf } from './measure.ts';
import { rowsOf } from './rows.ts';
import { onStage, type Print } from './stage.ts';

/** Few calls, so that each is a large share of the budget: the greedy account cannot make many calls in two seconds. */
const CALLS = 60;
const STEPS = 32n;

/**
 * Every account makes one call, after which it may hold shares. Then one greedy account spends as much as it can within `milliseconds`.
 * Measures how much of the remaining budget it gets.
 */
export const runSkew = (
  seed: number,
  kind: Kind,
  milliseconds: number,
  print: Print,
): Promise<Findings> =>
  onStage(
    `${seed}/skew`,
    kind,
    CALLS,
    async ({ title, plan, fleet, journal, clock, gateway, random }) => {
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
      const before = journal.moment();
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
      const usage = usageOf(fleet, journal, rows, before, before);
      const { remaining } = tightest(fleet, greedy, branch, usage, before.at);
      const overspend = overspendOf(fleet, journal, rows).units;
      const share = remaining <= 0n ? 1 : Number(paid) / Number(remaining);
      print(`${title}: ${greedy.name} spent ${paid} of the remaining ${remaining} in ${took} ms`);
      return { overspend: Number(overspend), usable: 1, usableSkewed: share, contradictions: [] };
    },
  );
