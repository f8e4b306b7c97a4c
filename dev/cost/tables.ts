import {
  billOf,
  CDP_FEE,
  CHAIN,
  type Cpu,
  dollars,
  GAS,
  gasDollars,
  monthlyDollars,
  plainBill,
  STORAGE,
} from './bill.ts';
import { type Both, type Grown, LIMITS, limitsOf } from './scale.ts';
import {
  type Counted,
  COUNTED,
  type Counts,
  type Reads,
  type Steady,
} from '../../test/cost/counts.ts';

/** Labels of counts in `docs/cost.md`. Sizes vary between runs and have a table of their own. */
export const COUNT_NAMES = {
  worker: 'Worker requests: the 402, the paid call',
  batches: 'Worker invocations by queues',
  reserve: 'object requests: `reserve`',
  finish: 'object requests: `finish`',
  decide: 'object requests: `decide`, several of both',
  settled: 'object requests: `settled`',
  exported: 'object requests: `exported`',
  alarm: 'object requests: alarms',
  objectWritten: 'object rows written, including deletes and alarms',
  objectRead: 'object rows read',
  settlementMessages: 'settlement messages',
  auditMessages: 'audit messages',
  operations: 'queue operations',
  databaseQueries: 'D1 queries',
  databaseWritten: 'D1 rows written, including indexes',
  databaseRead: 'D1 rows read',
  points: 'Analytics Engine points',
  lines: 'log lines of the gateway',
} as const satisfies Partial<Record<Counted, string>>;

export type Named = keyof typeof COUNT_NAMES;

export const NAMED = COUNTED.filter((name): name is Named => name in COUNT_NAMES);

/** Formats a count. */
export const written = (value: number): string => String(Number(value.toFixed(2)));

/** Formats the counts of a call. */
export const countTable = (alone: Counts, atOnce: Counts): readonly string[] => [
  '| a paid call | single | one of 32 |',
  '|---|--:|--:|',
  ...NAMED.map(
    (name) => `| ${COUNT_NAMES[name]} | ${written(alone[name])} | ${written(atOnce[name])} |`,
  ),
];

/** Counts of `npm run cost`. */
export type Measurement = {
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

/** Formats the bill of a million calls. */
const bill = ({ counts, cpu }: Measurement): readonly string[] => {
  const alone = billOf(counts.alone, cpu.alone);
  const atOnce = billOf(counts.atOnce, cpu.atOnce);
  return [
    '| a million paid calls | $ a million units | units, single call | $ | units, one of 32 | $ |',
    '|---|--:|--:|--:|--:|--:|',
    ...alone.map(({ what, each, price }, at) => {
      const other = atOnce[at]?.each ?? 0;
      const cells = [what, price, small(each), money(each * price), small(other)];
      return `| ${[...cells, money(other * price)].join(' | ')} |`;
    }),
    `| **total** | | | **${money(dollars(alone))}** | | **${money(dollars(atOnce))}** |`,
  ];
};

/** Formats the cost of settlement, and of the peers. */
const settlement = ({ counts, cpu }: Measurement): readonly string[] => {
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

/** Formats the cost of storage. */
const storage = ({ bytes, reads, steady }: Measurement): readonly string[] => {
  const share = LIMITS.remembered / MONTH;
  const row = (name: string, alone: number, atOnce: number, price: number): string =>
    `| ${name} | ${Math.round(alone).toLocaleString('en-US')} | ${Math.round(atOnce).toLocaleString('en-US')} | ${money((alone * price) / 1_000)} | ${money((atOnce * price) / 1_000)} |`;
  return [
    '| stored for a call | bytes, single | bytes, one of 32 | $ a million calls, single | one of 32 |',
    '|---|--:|--:|--:|--:|',
    row('D1, a month', bytes.alone.database, bytes.atOnce.database, STORAGE.database),
    row('of which bodies of chunks', bytes.alone.chunks, bytes.atOnce.chunks, STORAGE.database),
    row('object, 70 minutes', bytes.alone.object, bytes.atOnce.object, STORAGE.object * share),
    '',
    `An object that wakes reads ${small(reads.wake)} row(s) for each remembered call: the rows of its journal, and the head of each page of ended calls. An alarm reads ${small(reads.alarm)}. With one call a second and ${steady.remembered} remembered calls, a call costs ${small(steady.counts.alarm)} alarm, ${small(steady.counts.objectWritten)} rows written and ${Math.round(steady.counts.objectRead).toLocaleString('en-US')} rows read.`,
  ];
};

/** Calls of the months that the page shows. */
const MONTHS = [0, 100_000, 10_000_000] as const;

/** Formats the bills of whole months. */
const months = ({ counts, bytes, cpu }: Measurement): readonly string[] => [
  '| paid calls a month | $ Cloudflare, single calls | $ one of 32 |',
  '|---|--:|--:|',
  ...MONTHS.map((calls) => {
    const alone = monthlyDollars(billOf(counts.alone, cpu.alone), bytes.alone.database, calls);
    const atOnce = monthlyDollars(billOf(counts.atOnce, cpu.atOnce), bytes.atOnce.database, calls);
    return `| ${calls.toLocaleString('en-US')} | ${money(alone)} | ${money(atOnce)} |`;
  }),
];

/** Formats the limits. */
const scale = ({ counts, bytes }: Measurement): readonly string[] => [
  '| limit | arithmetic | reached at, million calls | scope |',
  '|---|---|--:|---|',
  ...limitsOf(counts, bytes).map(
    ({ limit, arithmetic, calls, of }) =>
      `| ${limit} | ${arithmetic} | ${(calls / 1e6).toLocaleString('en-US', { maximumFractionDigits: 1 })} | ${of} |`,
  ),
];

/** Formats the tables of `docs/cost.md`, by the names of their markers. */
export const tablesOf = (counted: Measurement): Readonly<Record<string, readonly string[]>> => {
  const { alone, atOnce }: { readonly alone: Counts; readonly atOnce: Counts } = counted.counts;
  return {
    bill: bill(counted),
    months: months(counted),
    settlement: settlement(counted),
    counts: countTable(alone, atOnce),
    storage: storage(counted),
    scale: scale(counted),
  };
};

/** Inserts tables between their markers. @throws Error where a marker is missing. */
export const filled = (page: string, tables: Readonly<Record<string, readonly string[]>>): string =>
  Object.entries(tables).reduce((text, [name, lines]) => {
    const [start, end] = [`<!-- ${name}-start -->`, `<!-- ${name}-end -->`];
    const [from, to] = [text.indexOf(start), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/cost.md has no marker ${name}`);
    return `${text.slice(0, from)}${start}\n${lines.join('\n')}\n${text.slice(to)}`;
  }, page);
