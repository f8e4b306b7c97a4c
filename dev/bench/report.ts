import type { Paired } from './against.ts';
import { ENTRANT } from './calls.ts';
import { AGENTS } from './contenders.ts';
import { capacityLine, relayedCapacityLine } from './capacity.ts';
import { floodLine } from './flood.ts';
import type { Gates } from './gates.ts';
import { machineLine } from './machine.ts';
import { overMcpLine } from './over-mcp.ts';
import { streamsLine } from './streams.ts';
import type { Measured, Results } from './results.ts';
import type { Spread } from './statistics.ts';

const digits = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });

/** Formats a spread as median and range. */
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

const verification = (figures: Measured['verification']): readonly string[] =>
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

const calls = (figures: Measured['calls']): readonly string[] =>
  table(
    [
      'one call',
      'agents',
      'concurrent',
      'CPU µs',
      'until answered',
      'p50 ms',
      'p99 ms',
      'calls per second',
    ],
    figures.map((figure) => {
      const isWarm = figure.entrant !== ENTRANT.exactSlow;
      return [
        figure.entrant,
        String(figure.agents),
        String(figure.connections),
        isWarm ? cell(figure.cpuPerRequest) : 'cold',
        isWarm ? digits(figure.cpuUntilAnswered.median) : '',
        cell(figure.p50),
        cell(figure.p99),
        cell(figure.perSecond),
      ];
    }),
  );

const growth = (accounts: Measured['growth']): readonly string[] =>
  table(
    [
      'calls remembered by the account',
      'p50 ms, sequential',
      'p99 ms, sequential',
      'CPU µs, sequential',
      'CPU µs, 16 concurrent',
      'first call of a sleeping object, ms',
      'failed calls',
      'database, MiB',
    ],
    accounts.map(({ remembered, alone, at16, wakeMs, failed, mebibytes }) => [
      remembered.toLocaleString('en-US'),
      cell(alone.p50),
      cell(alone.p99),
      cell(alone.cpuPerRequest),
      cell(at16.cpuPerRequest),
      wakeMs.values.length === 0 ? 'stays awake' : cell(wakeMs),
      String(failed),
      digits(mebibytes),
    ]),
  );

const blocks = (sellings: Measured['blocks']): readonly string[] =>
  table(
    [
      `end to end without stubs, blocks of ${sellings[0]?.blockSeconds} s`,
      'payments',
      'on chain',
      'answered, p50 s',
      'p99',
      'settled, p50 s',
      'p99',
      'first answer to a buyer, p50 s',
    ],
    sellings.map(({ seller, payments, moved, answered, settled, firstAnswered }) => [
      seller,
      String(payments),
      String(moved),
      digits(answered.p50),
      digits(answered.p99),
      digits(settled.p50),
      digits(settled.p99),
      digits(firstAnswered.p50),
    ]),
  );

const settlement = (runs: Measured['settlement']): readonly string[] =>
  table(
    [
      `sustained without stubs, blocks of ${runs[0]?.blockSeconds} s`,
      'seconds',
      'offered a second',
      'accepted a second',
      'settled a second',
      'accepted to settled, p50 s',
      'p99',
      'backlog, each 10 s',
      'its growth a second',
      'rejected',
    ],
    runs.map(({ seller, seconds, offered, accepted, settled, delay, ...run }) => [
      seller,
      String(seconds),
      offered === null ? 'what 64 connections take' : String(offered),
      cell(accepted),
      cell(settled),
      digits(delay.p50),
      digits(delay.p99),
      run.backlog.map((mean) => mean.toFixed(0)).join(', '),
      digits(run.backlogGrowth),
      String(Object.values(run.rejected).reduce((sum, count) => sum + count, 0)),
    ]),
  );

/** Formats the comparison with another revision, as Markdown. */
export const pairedTable = (pairs: readonly Paired[]): string =>
  table(
    ['a bound call', 'beside', 'this tree', 'the other', 'median of paired ratios'],
    pairs.map(({ what, subject, own, other, ratio }) => [
      what,
      subject,
      cell(own),
      cell(other),
      ratio.median.toFixed(3),
    ]),
  ).join('\n');

/** Formats a table for each part that ran. */
const tables = (measured: Partial<Measured>): readonly string[] =>
  [
    measured.verification && verification(measured.verification),
    measured.calls && calls(measured.calls),
    measured.growth && growth(measured.growth),
    measured.blocks && blocks(measured.blocks),
    measured.settlement && settlement(measured.settlement),
  ].flatMap((lines) => (lines === undefined ? [] : [...lines, '']));

/** Results that are sentences. */
const sentences = (
  {
    concurrency,
    firstCall,
    flood = [],
    mcp = [],
    streams = [],
    capacity = [],
    relayedCapacity,
    gzipKiB,
  }: Results,
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
  if (firstCall !== undefined)
    lines.push(`First bound call of a fresh process: ${cell(firstCall)} ms of CPU.`);
  lines.push(...flood.map(floodLine));
  if (mcp.length > 0) lines.push(overMcpLine(mcp));
  if (streams.length > 0) lines.push(streamsLine(streams));
  lines.push(...capacity.map(capacityLine));
  if (relayedCapacity !== undefined) lines.push(relayedCapacityLine(relayedCapacity));
  return [...lines, `JavaScript that every isolate loads: ${digits(gzipKiB)} KiB gzip.`].map(
    (line) => `- ${line}`,
  );
};

const timesOf = ({ seconds }: Results): string => {
  const parts = Object.entries(seconds).map(([name, time]) => `${name} ${time}`);
  const all = Object.values(seconds).reduce((sum, time) => sum + time, 0);
  return `${parts.join(', ')}; together ${all}`;
};

/** Formats all results as Markdown. */
export const markdown = (results: Results, gates: Partial<Gates>): string =>
  [
    `${results.date}: ${machineLine(results.machine)}. Medians of ${results.rounds} rounds (minimum–maximum). CPU is that of the whole process. ${AGENTS} agents call in turn, or one agent calls.`,
    '',
    ...tables(results),
    ...sentences(results, gates),
    `- Time of the parts, in seconds: ${timesOf(results)}.`,
    '',
    'Stubs:',
    ...results.stubs.map((stub) => `- ${stub}`),
  ].join('\n');
