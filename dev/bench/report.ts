import { AGENTS } from './contenders.ts';
import { floodLine } from './flood.ts';
import { replayLine } from './replays.ts';
import type { Gates } from './gates.ts';
import { machineLine } from './machine.ts';
import type { Results } from './results.ts';
import { median } from './statistics.ts';
import { digits, tables } from './tables.ts';

/** What one sentence says better than a table. */
const sentences = (
  { concurrency, flood = [], replays = [], rows, tree, gzipKiB }: Results,
  { concurrentAccepted }: Partial<Gates>,
): readonly string[] => {
  const lines: string[] = [];
  if (concurrency !== undefined) {
    const [first] = concurrency;
    const peer = Math.max(...concurrency.map(({ peerAccepted }) => peerAccepted));
    const replays = Math.max(...concurrency.map(({ replaysRun }) => replaysRun));
    lines.push(
      `${first?.sent} calls of one agent at once: ${concurrentAccepted} accepted; each sent again: ${replays} ran again. As many vouchers on one channel of batch-settlement: at most ${peer} accepted.`,
    );
  }
  lines.push(...flood.map(floodLine), ...replays.map(replayLine));
  if (rows !== undefined) {
    lines.push(
      `Rows written a paid call, deletes and alarms included: ${digits(rows.alone)} alone, ${digits(rows.atOnce)} with 32 at once.`,
    );
  }
  if (tree !== undefined) {
    lines.push(
      `Objects alone, 64 accounts at once: ${digits(median(tree.below))} calls a second below one owner (${tree.asked.toFixed(3)} questions to the owner a call), ${digits(median(tree.alone))} standing alone.`,
    );
  }
  return [...lines, `Bundle: ${digits(gzipKiB)} KiB gzip.`].map((line) => `- ${line}`);
};

/** Everything that was measured, as Markdown. */
export const markdown = (results: Results, gates: Partial<Gates>): string =>
  [
    `${results.date}: ${machineLine(results.machine)}. Medians of ${results.rounds} rounds (least–most). CPU is that of the whole process. Calls are of ${AGENTS} agents in turn, or of one.`,
    '',
    ...tables(results),
    ...sentences(results, gates),
    '',
    'Stubs:',
    ...results.stubs.map((stub) => `- ${stub}`),
  ].join('\n');
