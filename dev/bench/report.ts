import { AGENTS } from './contenders.ts';
import { floodLine } from './flood.ts';
import { replayLine } from './replays.ts';
import type { Gates } from './gates.ts';
import { machineLine } from './machine.ts';
import type { Results } from './results.ts';
import { median } from './statistics.ts';
import { digits, tables } from './tables.ts';

/** Results that are sentences. */
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
      `${first?.sent} concurrent calls of one agent: ${concurrentAccepted} accepted; when repeated, ${replays} ran again. The same number of vouchers on one channel of batch-settlement: at most ${peer} accepted.`,
    );
  }
  lines.push(...flood.map(floodLine), ...replays.map(replayLine));
  if (rows !== undefined) {
    lines.push(
      `Rows written per paid call, including deletes and alarms: ${digits(rows.alone)} for a single call, ${digits(rows.atOnce)} with 32 concurrent calls.`,
    );
  }
  if (tree !== undefined) {
    lines.push(
      `Objects without a gateway, 64 accounts at once: ${digits(median(tree.children))} calls a second with a common owner (${tree.ownerRequests.toFixed(3)} requests to the owner per call), ${digits(median(tree.alone))} without one.`,
    );
  }
  return [...lines, `JavaScript that every isolate loads: ${digits(gzipKiB)} KiB gzip.`].map(
    (line) => `- ${line}`,
  );
};

/** Formats all results as Markdown. */
export const markdown = (results: Results, gates: Partial<Gates>): string =>
  [
    `${results.date}: ${machineLine(results.machine)}. Medians of ${results.rounds} rounds (minimum–maximum). CPU is that of the whole process. ${AGENTS} agents call in turn, or one agent calls.`,
    '',
    ...tables(results),
    ...sentences(results, gates),
    '',
    'Stubs:',
    ...results.stubs.map((stub) => `- ${stub}`),
  ].join('\n');
