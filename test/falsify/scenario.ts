import { exhaust } from './exhaust.ts';
import type { Findings } from './figures.ts';
import type { Kind } from './kind.ts';
import { overspendOf, usableOf, usageOf } from './measure.ts';
import { rowsOf } from './rows.ts';
import { contradictions, recallAll, rest, ring } from './settle.ts';
import { onStage, type Say, type Stage } from './stage.ts';
import { storm } from './storm.ts';
import { upsetsOf } from './upsets.ts';

/** Said at most this often, of what takes long. */
const SAY_MS = 2_000;

/** One tree, one storm, and what its books say afterwards. */
export const runScenario = (seed: number, kind: Kind, calls: number, say: Say): Promise<Findings> =>
  onStage(`${seed}`, kind, calls, async (stage) => {
    const { title, plan, fleet, books, clock, gateway, random } = stage;
    await rage(stage, calls, say);
    // Whether what somebody holds has come back by itself must not matter.
    await (random.chance(0.5) ? rest(fleet, clock, books) : ring(fleet));
    const rung = books.moment();
    say(`${title}: all accounts call until the gateway denies them`);
    await exhaust(fleet, gateway, clock, plan.budget);
    const end = books.moment();
    await rest(fleet, clock, books);
    await recallAll(fleet);
    const rows = (await Promise.all(fleet.members.map(rowsOf))).flat();
    const usable = usableOf(fleet, usageOf(fleet, books, rows, end, rung), end.at);
    const overspend = overspendOf(fleet, books, rows);
    const last = books.moment();
    const found = await contradictions(fleet, rows, books, usageOf(fleet, books, rows, last, last));
    say(
      `${title}: ${overspend.units} above a limit (${overspend.limit}), least use ${usable.share} (${usable.of})`,
    );
    return {
      overspend: Number(overspend.units),
      usable: usable.share,
      usableSkewed: 1,
      contradictions: found,
    };
  });

/** All calls at once, while messages, accounts and time fail; then everything has arrived that ever will. */
const rage = async (stage: Stage, calls: number, say: Say): Promise<void> => {
  const { title, plan, fleet, books, clock, faults, gateway, random } = stage;
  const { kind } = plan;
  let said = performance.now();
  const watch = async (done: number): Promise<void> => {
    if (performance.now() > said + SAY_MS) {
      said = performance.now();
      say(`${title}: ${done} of ${calls * fleet.members.length} calls`);
    }
    await faults.round();
  };
  faults.rage();
  clock.hurry(true);
  const upsets = upsetsOf(kind, fleet, clock, books, random.fork('upsets'));
  await storm(plan, fleet, calls, gateway, upsets, watch, random.fork('storm'));
  clock.hurry(false);
  await faults.calm();
};
