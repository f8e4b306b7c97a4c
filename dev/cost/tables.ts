import type { Counts, Reads, Steady } from '../../test/cost/counts.ts';
import { billOf, type Cpu, dollars, plainBill } from './bill.ts';
import { countTable } from './count-table.ts';
import { CDP_FEE, CHAIN, GAS, gasDollars, PRICES, STORAGE } from './prices.ts';
import { type Both, type Grown, LIMITS, limitsOf } from './scale.ts';

/** Everything that `npm run cost` has counted. */
export type Counted = {
  readonly counts: Both;
  readonly bytes: Grown;
  readonly reads: Reads;
  readonly steady: Steady;
  readonly cpu: Cpu;
};

const MONTH = 30 * 86_400;

const money = (value: number): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

const small = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: value < 1 ? 4 : 2 });

/** Dollars of a million calls, line by line. */
const bill = ({ counts, cpu }: Counted): readonly string[] => {
  const alone = billOf(counts.alone, cpu.alone);
  const atOnce = billOf(counts.atOnce, cpu.atOnce);
  return [
    '| a million paid calls | $ a million | each, alone | $ alone | each, of 32 | $ of 32 |',
    '|---|--:|--:|--:|--:|--:|',
    ...alone.map(({ what, each, price }, at) => {
      const other = atOnce[at]?.each ?? 0;
      const cells = [what, price, small(each), money(each * price), small(other)];
      return `| ${[...cells, money(other * price)].join(' | ')} |`;
    }),
    `| **all of it** | | | **${money(dollars(alone))}** | | **${money(dollars(atOnce))}** |`,
  ];
};

const beside = ({ counts, cpu }: Counted): readonly string[] => {
  const ours = [
    dollars(billOf(counts.alone, cpu.alone)),
    dollars(billOf(counts.atOnce, cpu.atOnce)),
  ];
  const [alone = 0, atOnce = 0] = ours;
  const fee = CDP_FEE * 1_000_000;
  const rows: readonly (readonly [string, string, number])[] = [
    ['Countersign, settled by CDP', `${money(atOnce)}–${money(alone)}`, fee],
    ...GAS.map(([name, gas]): [string, string, number] => [
      `Countersign, own key, ${name} a transaction: ${gas.toLocaleString('en-US')} gas`,
      `${money(atOnce)}–${money(alone)}`,
      gasDollars(gas),
    ]),
    ['`@x402/hono` `exact`, settled by CDP', money(dollars(plainBill(2, cpu.exact))), fee],
    ['a Worker that compares an API key', money(dollars(plainBill(1, cpu.apiKey))), 0],
  ];
  return [
    '| a million paid calls | $ platform | $ settlement |',
    '|---|--:|--:|',
    ...rows.map(
      ([name, platform, settlement]) => `| ${name} | ${platform} | ${money(settlement)} |`,
    ),
    '',
    `Gas at ${CHAIN.gwei} gwei and $${CHAIN.etherDollars.toLocaleString('en-US')} an ether, both assumed.`,
  ];
};

const kept = ({ bytes, reads, steady }: Counted): readonly string[] => {
  const share = LIMITS.remembered / MONTH;
  const row = (name: string, alone: number, atOnce: number, price: number): string =>
    `| ${name} | ${Math.round(alone).toLocaleString('en-US')} | ${Math.round(atOnce).toLocaleString('en-US')} | ${money((alone * price) / 1_000)} | ${money((atOnce * price) / 1_000)} |`;
  const walked = Math.round(reads.alarm * LIMITS.slice);
  return [
    '| kept of a call | bytes, alone | bytes, of 32 | $ a million calls, alone | of 32 |',
    '|---|--:|--:|--:|--:|',
    row('D1, a month', bytes.alone.database, bytes.atOnce.database, STORAGE.database),
    row('of that, bodies of chunks', bytes.alone.chunks, bytes.atOnce.chunks, STORAGE.database),
    row('object, for 70 minutes', bytes.alone.object, bytes.atOnce.object, STORAGE.object * share),
    '',
    `An object that wakes reads ${small(reads.wake)} row(s) for each call that it remembers. An alarm by which a call is over reads ${small(reads.alarm)} for each of up to ${LIMITS.slice.toLocaleString('en-US')} of them. One that is called each second, and remembers ${steady.remembered} calls: ${small(steady.counts.alarm)} alarm, ${small(steady.counts.objectWritten)} rows written and ${Math.round(steady.counts.objectRead).toLocaleString('en-US')} read a call. Where it remembers ${LIMITS.slice.toLocaleString('en-US')} (a call each two seconds, for an hour and more) that is ${walked.toLocaleString('en-US')} rows, $${money(walked * PRICES.rowRead)} a million calls; where it remembers more, ${(walked / LIMITS.slicePause).toLocaleString('en-US')} rows a second, however many calls that is.`,
  ];
};

const scale = ({ counts, bytes }: Counted): readonly string[] => [
  '| limit | arithmetic | met at, million calls | of |',
  '|---|---|--:|---|',
  ...limitsOf(counts, bytes).map(
    ({ limit, arithmetic, calls, of }) =>
      `| ${limit} | ${arithmetic} | ${(calls / 1e6).toLocaleString('en-US', { maximumFractionDigits: 1 })} | ${of} |`,
  ),
];

/** The tables of `docs/cost.md`, by the name of the place where each stands. */
export const tablesOf = (counted: Counted): Readonly<Record<string, readonly string[]>> => {
  const { alone, atOnce }: { readonly alone: Counts; readonly atOnce: Counts } = counted.counts;
  return {
    bill: bill(counted),
    beside: beside(counted),
    counts: countTable(alone, atOnce),
    kept: kept(counted),
    scale: scale(counted),
  };
};

/** A document with each table in its place. @throws Error where it has no such place */
export const filled = (page: string, tables: Readonly<Record<string, readonly string[]>>): string =>
  Object.entries(tables).reduce((text, [name, lines]) => {
    const [start, end] = [`<!-- ${name}-start -->`, `<!-- ${name}-end -->`];
    const [from, to] = [text.indexOf(start), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/cost.md has no place for ${name}`);
    return `${text.slice(0, from)}${start}\n${lines.join('\n')}\n${text.slice(to)}`;
  }, page);
