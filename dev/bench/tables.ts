import { ENTRANT } from './calls.ts';
import type { Measured } from './results.ts';
import type { Spread } from './statistics.ts';

export const digits = (value: number): string =>
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

const growth = (accounts: Measured['growth']): readonly string[] =>
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

const breadth = (gateways: Measured['breadth']): readonly string[] =>
  table(
    ['the gateway holds', 'p50 ms alone', 'CPU µs alone', 'CPU µs, 16 at once'],
    gateways.map(({ holds, alone, at16 }) => [
      holds,
      digits(alone.p50),
      digits(alone.cpuPerRequest),
      digits(at16.cpuPerRequest),
    ]),
  );

const trees = (stands: Measured['trees']): readonly string[] =>
  table(
    [
      'the agent stands',
      'rules that bind its call',
      'p50 ms alone',
      'p99 ms alone',
      'CPU µs alone',
      'CPU µs, 16 at once',
    ],
    stands.map(({ stands: where, rules, alone, at16 }) => [
      where,
      String(rules),
      cell(alone.p50),
      cell(alone.p99),
      cell(alone.cpuPerRequest),
      cell(at16.cpuPerRequest),
    ]),
  );

const blocks = (sellings: Measured['blocks']): readonly string[] =>
  table(
    [
      `end to end, blocks of ${sellings[0]?.blockSeconds} s, nothing a stub`,
      'payments',
      'on chain',
      'answered, p50 s',
      'p99',
      'settled, p50 s',
      'p99',
      'a buyer’s first answered, p50 s',
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

/** A table of each part that was measured, with an empty line after it. */
export const tables = (measured: Partial<Measured>): readonly string[] =>
  [
    measured.verification && verification(measured.verification),
    measured.calls && calls(measured.calls),
    measured.growth && growth(measured.growth),
    measured.breadth && breadth(measured.breadth),
    measured.trees && trees(measured.trees),
    measured.blocks && blocks(measured.blocks),
  ].flatMap((lines) => (lines === undefined ? [] : [...lines, '']));
