import { exhaust } from './exhaust.ts';
import type { Findings } from './figures.ts';
import type { Kind } from './kind.ts';
import { overspendOf, usableOf, usageOf } from './measure.ts';
import { rowsOf } from './rows.ts';
import { contradictions, expireHolds, recallAll, runAlarms } from './wind-down.ts';
import { onStage, type Print, type Stage } from './stage.ts';
import { callConcurrently } from './concurrent-calls.ts';
import { disruptionsOf } from './disruptions.ts';

/** Time between two progress lines. */
const PROGRESS_MS = 2_000;

/** Makes concurrent calls on one tree under faults, uses up its budgets, and compares the accounts with the journal. */
export const runScenario = (
  seed: number,
  kind: Kind,
  calls: number,
  print: Print,
): Promise<Findings> =>
  onStage(`${seed}`, kind, calls, async (stage) => {
    const { title, plan, fleet, journal, clock, gateway, random } = stage;
    await callUnderFaults(stage, calls, print);
    // Unused shares must be available both before and after leases have expired.
    await (random.chance(0.5) ? expireHolds(fleet, clock, journal) : runAlarms(fleet));
    const alarmsRan = journal.moment();
    print(`${title}: all accounts call until the gateway denies them`);
    await exhaust(fleet, gateway, clock, plan.budget);
    const end = journal.moment();
    await expireHolds(fleet, clock, journal);
    await recallAll(fleet);
    const rows = (await Promise.all(fleet.members.map(rowsOf))).flat();
    const usable = usableOf(fleet, usageOf(fleet, journal, rows, end, alarmsRan), end.at);
    const overspend = overspendOf(fleet, journal, rows);
    const last = journal.moment();
    const found = await contradictions(
      fleet,
      rows,
      journal,
      usageOf(fleet, journal, rows, last, last),
    );
    print(
      `${title}: ${overspend.units} units above a limit (${overspend.limit}); lowest use of a limit ${usable.share} (${usable.of})`,
    );
    return {
      overspend: Number(overspend.units),
      usable: usable.share,
      usableSkewed: 1,
      contradictions: found,
    };
  });

/** Makes all calls at once under faults, then stops the faults and waits until all messages have arrived. */
const callUnderFaults = async (stage: Stage, calls: number, print: Print): Promise<void> => {
  const { title, plan, fleet, journal, clock, faults, gateway, random } = stage;
  const { kind } = plan;
  let printed = performance.now();
  const watch = async (done: number): Promise<void> => {
    if (performance.now() > printed + PROGRESS_MS) {
      printed = performance.now();
      print(`${title}: ${done} of ${calls * fleet.members.length} calls`);
    }
    await faults.round();
  };
  faults.begin();
  clock.shortenTimeouts(true);
  const disruptions = disruptionsOf(kind, fleet, clock, journal, random.fork('disruptions'));
  await callConcurrently(plan, fleet, calls, gateway, disruptions, watch, random.fork('calls'));
  clock.shortenTimeouts(false);
  await faults.end();
};
