import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENTRANT } from '../bench/calls.ts';
import type { Results } from '../bench/results.ts';
import { ROOT } from '../root.ts';
import type { Cpu } from './bill.ts';

const DIRECTORY = 'test/bench/results';

/** Reads the CPU of a call from the newest results: Worker and object together, without the queue consumers. */
export const newestCpu = (): Cpu => {
  const newest = readdirSync(join(ROOT, DIRECTORY))
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .at(-1);
  if (newest === undefined) throw new Error(`${DIRECTORY} has no results: run npm run bench.`);
  const file = `${DIRECTORY}/${newest}`;
  const { calls } = JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as Pick<Results, 'calls'>;
  const of = (entrant: string, agents: number, connections: number): number => {
    const cell = calls?.find(
      (one) => one.entrant === entrant && one.agents === agents && one.connections === connections,
    );
    if (cell === undefined) throw new Error(`${file} has no ${entrant}, ${agents} agents.`);
    return cell.cpuPerRequest.median / 1_000;
  };
  return {
    file,
    alone: of(ENTRANT.bound, 100, 1),
    atOnce: of(ENTRANT.bound, 1, 16),
    exact: of(ENTRANT.exactInstant, 100, 16),
    apiKey: of(ENTRANT.apiKey, 100, 16),
  };
};
