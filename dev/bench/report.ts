import { ENTRANT } from './calls.ts';
import { AGENTS } from './contenders.ts';
import type { Gates } from './gates.ts';
import type { Remembered } from './growth.ts';
import { machineLine } from './machine.ts';
import type { Results } from './results.ts';
import { median, type Spread } from './statistics.ts';

const digits = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });

/** The median, and within which bounds it was measured. */
const cell = ({ median: middle, min, max }: Spread): string =>
  `${digits(middle)} (${digits(min)}–${digits(max)})`;

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const table = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] => [
  row(head),
  row(head.map((_, at) => (at === 0 ? '---' : '--:'))),
  ...rows.map(row),
];

const verification = ({ verification: figures }: Results): readonly string[] =>
  table(
    [
      'one verification, µs CPU',
      'hot, 1 signer',
      'hot, 256 signers',
      'first of an isolate',
      'average of the first 100',
    ],
    figures.map(({ verifier, hotOne, hotMany, first, firstHundred }) => [
      verifier,
      cell(hotOne),
      cell(hotMany),
      cell(first),
      cell(firstHundred),
    ]),
  );

const calls = ({ calls: figures }: Results): readonly string[] =>
  table(
    ['one call', 'agents', 'at once', 'CPU µs', 'p50 ms', 'p99 ms', 'calls a second'],
    figures.map(({ entrant, agents, connections, cpuPerRequest, p50, p99, perSecond }) => [
      entrant,
      String(agents),
      String(connections),
      entrant === ENTRANT.exactSlow ? 'not warm' : cell(cpuPerRequest),
      cell(p50),
      cell(p99),
      cell(perSecond),
    ]),
  );

const growth = ({ growth: rounds }: Results): readonly string[] => {
  const all = [...Map.groupBy(rounds.flat(), ({ remembered }) => remembered)];
  return table(
    [
      'calls remembered by one account',
      'p50 ms alone',
      'p99 ms alone',
      'CPU µs alone',
      'CPU µs, 16 at once',
      'first call of a fresh process, ms',
      'database, MiB',
    ],
    all.map(([remembered, each]) => {
      const middle = (figure: (round: Remembered) => number): string =>
        digits(median(each.map(figure)));
      return [
        remembered.toLocaleString('en-US'),
        middle(({ alone }) => alone.p50),
        middle(({ alone }) => alone.p99),
        middle(({ alone }) => alone.cpuPerRequest),
        middle(({ at16 }) => at16.cpuPerRequest),
        middle(({ firstMs }) => firstMs),
        middle(({ mebibytes }) => mebibytes),
      ];
    }),
  );
};

const breadth = ({ breadth: gateways }: Results): readonly string[] =>
  table(
    ['the gateway holds', 'p50 ms alone', 'CPU µs alone', 'CPU µs, 16 at once'],
    gateways.map(({ holds, alone, at16 }) => [
      holds,
      digits(alone.p50),
      digits(alone.cpuPerRequest),
      digits(at16.cpuPerRequest),
    ]),
  );

/** Everything that was measured, as Markdown. */
export const markdown = (results: Results, gates: Gates): string => {
  const { concurrency, rows, tree, rounds } = results;
  const [first] = concurrency;
  const peer = Math.max(...concurrency.map(({ peerAccepted }) => peerAccepted));
  const replays = Math.max(...concurrency.map(({ replaysRun }) => replaysRun));
  return [
    `${results.date}: ${machineLine(results.machine)}. Medians of ${rounds} rounds (least–most). CPU is that of the whole process. Calls are of ${AGENTS} agents in turn, or of one.`,
    '',
    ...verification(results),
    '',
    ...calls(results),
    '',
    ...growth(results),
    '',
    ...breadth(results),
    '',
    `- ${first?.sent} calls of one agent at once: ${gates.concurrentAccepted} accepted; each sent again: ${replays} ran again. As many vouchers on one channel of batch-settlement: at most ${peer} accepted.`,
    `- Rows written a paid call, deletes and alarms included: ${digits(rows.alone)} alone, ${digits(rows.atOnce)} with 32 at once.`,
    `- Objects alone, 64 accounts at once: ${digits(median(tree.below))} calls a second below one owner (${tree.asked.toFixed(3)} questions to the owner a call), ${digits(median(tree.alone))} standing alone.`,
    `- Bundle: ${digits(results.gzipKiB)} KiB gzip.`,
    '',
    'Stubs:',
    ...results.stubs.map((stub) => `- ${stub}`),
  ].join('\n');
};
