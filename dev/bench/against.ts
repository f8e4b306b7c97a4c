import type { buildBundles, Bundles } from './bundles.ts';
import { type Cell, measureCell } from './calls.ts';
import { AGENTS, batchSettlement, bound, type Contender, floor } from './contenders.ts';
import { measureFirstCalls } from './first-call.ts';
import { spread, type Spread } from './statistics.ts';
import { type Bench, newDirectory, type Upstream } from './subject.ts';
import { ROOT } from '../root.ts';
import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A figure of another subject beside this tree's, in blocks of the same minute. */
export type Paired = {
  readonly what: string;
  readonly subject: string;
  readonly own: Spread;
  readonly other: Spread;
  /** The other's divided by this tree's, block by block. */
  readonly ratio: Spread;
};

const MANY: Cell = { agents: AGENTS, connections: 16, requests: 320 };
const ONE: Cell = { agents: 1, connections: 64, requests: 512 };
const WARM_UP: Cell = { ...MANY, requests: 17 * AGENTS };

const git = (...words: readonly string[]): void => {
  execFileSync('git', words, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
};

/** Builds the gateway of another revision in a worktree, with the dependencies of this tree. */
const buildRevision = async (workspace: string, revision: string): Promise<Bundles> => {
  const tree = newDirectory(workspace, 'revision');
  git('worktree', 'add', '--detach', tree, revision);
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
    const builder = pathToFileURL(join(tree, 'dev/bench/bundles.ts')).href;
    const revised = (await import(builder)) as { readonly buildBundles: typeof buildBundles };
    return await revised.buildBundles(newDirectory(workspace, 'revision-bundles'));
  } finally {
    git('worktree', 'remove', '--force', tree);
  }
};

const paired = (
  what: string,
  subject: string,
  own: readonly number[],
  other: readonly number[],
): Paired => ({
  ...{ what, subject, own: spread(own), other: spread(other) },
  ratio: spread(other.map((value, at) => value / (own[at] ?? Number.NaN))),
});

type Running = {
  readonly name: string;
  readonly contender: Contender;
  readonly cells: readonly Cell[];
};

const figuresOf = async (
  { name, contender }: Running,
  cell: Cell,
): Promise<readonly (readonly [what: string, value: number])[]> => {
  const { agents, connections } = cell;
  // The runtime evicts objects that were idle for ten seconds. Without these calls a block would measure how they wake.
  await measureCell(contender, { ...cell, requests: Math.max(agents, connections) }, name);
  const { cpuPerRequest, perSecond } = await measureCell(contender, cell, name);
  const at = `${agents === 1 ? 'one agent' : `${agents} agents`}, ${connections} at once`;
  return [
    [`CPU µs, ${at}`, cpuPerRequest],
    [`calls a second, ${at}`, perSecond],
  ];
};

/** Compares bound calls with those of another revision, of the floor and of batch-settlement: all processes live, short blocks in turn. */
export const measureAgainst = async (
  bench: Bench,
  upstream: Upstream,
  { revision, blocks }: { readonly revision: string; readonly blocks: number },
  print: (line: string) => void,
): Promise<readonly Paired[]> => {
  const revised = {
    ...bench,
    bundles: await buildRevision(bench.workspace, revision),
  };
  const own = 'this tree';
  const running: readonly Running[] = [
    { name: own, contender: await bound(bench, upstream), cells: [MANY, ONE] },
    { name: revision, contender: await bound(revised, upstream), cells: [MANY, ONE] },
    { name: 'floor', contender: await floor(bench, upstream), cells: [MANY, ONE] },
    {
      name: 'batch-settlement',
      contender: await batchSettlement(bench, upstream),
      cells: [MANY],
    },
  ];
  const values = new Map<string, Map<string, number[]>>();
  try {
    for (const { name, contender } of running) await measureCell(contender, WARM_UP, name);
    for (let block = 0; block < blocks; block += 1) {
      const start = block % running.length;
      for (const cell of [MANY, ONE]) {
        for (const each of [...running.slice(start), ...running.slice(0, start)]) {
          if (!each.cells.includes(cell)) continue;
          for (const [what, value] of await figuresOf(each, cell)) {
            const bySubject = values.get(what) ?? new Map<string, number[]>();
            values.set(what, bySubject);
            bySubject.set(each.name, [...(bySubject.get(each.name) ?? []), value]);
          }
        }
      }
      print(`block ${block + 1} of ${blocks}`);
    }
  } finally {
    for (const { contender } of running) await contender.subject.stop();
  }
  const calls = [...values].flatMap(([what, bySubject]) =>
    [...bySubject]
      .filter(([name]) => name !== own)
      .map(([name, all]) => paired(what, name, bySubject.get(own) ?? [], all)),
  );
  const first = await measureFirstCalls(bench, upstream);
  const firstRevised = await measureFirstCalls(revised, upstream);
  return [...calls, paired('first call, CPU ms', revision, first, firstRevised)];
};
