import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Size } from '../test/scale/size.ts';
import './assets.ts';
import { machine, machineLine } from './bench/machine.ts';
import { type MeasuredList, measureList } from './scale/measure-list.ts';
import { type MeasuredPage, measurePages } from './scale/measure-pages.ts';
import { startWorld } from './scale/world.ts';

const ROUNDS = 5;
/** Time limit of a page, on a machine that does nothing else. */
const MAX_MS = 1000;

const lineOf = (page: MeasuredPage): string =>
  [
    page.who.padEnd(8),
    page.path.padEnd(30),
    `paint ${page.firstPaintMs.toFixed(0).padStart(4)}`,
    `ready ${page.readyMs.toFixed(0).padStart(5)} ms`,
    `${page.requests.toString().padStart(3)} requests`,
    `${page.statements.toString().padStart(3)} statements`,
    `${page.rowsRead.toString().padStart(7)} rows`,
    `${page.databaseMs.toFixed(1).padStart(6)} ms in D1`,
    `${(page.bytes / 1024).toFixed(0).padStart(4)} KiB`,
  ].join(' ');

const listLineOf = ({ step, times, rows, medianMs, longTasks }: MeasuredList): string =>
  `list of agents, ${step}: ${times} times, ${rows} rows, ${medianMs.toFixed(0)} ms each, tasks over 50 ms: ${longTasks.join(' ') || 'none'}`;

const faultsOf = ({ readyMs, scans, problems }: MeasuredPage): readonly string[] => [
  ...(readyMs > MAX_MS ? [`takes ${readyMs.toFixed(0)} ms`] : []),
  ...scans.map((sql) => `scans a table: ${sql}`),
  ...problems.map((problem) => `shows a problem: ${problem}`),
];

/**
 * `npm run scale -- --pages`: opens every page of the dashboard in Chromium, on a gateway whose D1 has a million calls.
 *
 * @returns the exit code: 1 if a page takes longer than a second, scans a table that grows, or shows a problem
 */
export const scalePages = async (size: Size, isJson: boolean): Promise<number> => {
  const print = (line: string): void => {
    if (!isJson) console.log(line);
  };
  const directory = mkdtempSync(join(tmpdir(), 'countersign-scale-'));
  try {
    const world = await startWorld(directory, size, print);
    try {
      const load = loadavg()[0] ?? Number.NaN;
      const pages = await measurePages(world, ROUNDS, print);
      const list = await measureList(world, size.accounts);
      if (isJson) console.log(JSON.stringify({ machine: machine(), load, size, pages, list }));
      print(`${machineLine(machine())}, load ${load.toFixed(1)} before the first page`);
      for (const page of pages) print(lineOf(page));
      for (const step of list) print(listLineOf(step));
      const faults = pages.flatMap((page) =>
        faultsOf(page).map((fault) => `${page.who} ${page.path} ${fault}`),
      );
      for (const fault of faults) print(`FAILED: ${fault}`);
      return faults.length === 0 ? 0 : 1;
    } finally {
      await world.stack.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
