import { ENTRANT } from './calls.ts';
import { AGENTS } from './contenders.ts';
import type { Gates } from './gates.ts';
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
    [
      'one call',
      'agents',
      'at once',
      'CPU µs',
      'until answered',
      'p50 ms',
      'p99 ms',
      'calls a second',
    ],
    figures.map((figure) => {
      const isWarm = figure.entrant !== ENTRANT.exactSlow;
      return [
        figure.entrant,
        String(figure.agents),
        String(figure.connections),
        isWarm ? cell(figure.cpuPerRequest) : 'not warm',
        isWarm ? digits(figure.cpuUntilAnswered.median) : '',
        cell(figure.p50),
        cell(figure.p99),
        cell(figure.perSecond),
      ];
    }),
  );

const growth = ({ growth: accounts }: Results): readonly string[] =>
  table(
    [
      'calls remembered by the account',
      'p50 ms alone',
      'p99 ms alone',
      'CPU µs alone',
      'CPU µs, 16 at once',
      'its first call, ms',
      'calls that failed',
      'database, MiB',
    ],
    accounts.map(({ remembered, alone, at16, firstMs, failed, mebibytes }) => [
      remembered.toLocaleString('en-US'),
      cell(alone.p50),
      cell(alone.p99),
      cell(alone.cpuPerRequest),
      cell(at16.cpuPerRequest),
      digits(firstMs),
      String(failed),
      digits(mebibytes),
    ]),
  );

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
