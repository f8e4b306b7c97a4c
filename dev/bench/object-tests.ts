import type { BenchOptions, Rounds, Rows } from '../../test/bench/rounds.ts';
import { runProject } from '../run-project.ts';

/** Measures the objects without a gateway: runs the vitest project `bench`. */
export const measureObjects = async (
  options: BenchOptions,
  print: (line: string) => void,
): Promise<{ readonly tree: Rounds; readonly rows: Rows }> => {
  const finished = await runProject('bench', options, print);
  const failed = finished.flatMap((each) => each.failed);
  const tree = finished.find(({ meta }) => meta.rounds)?.meta.rounds;
  const rows = finished.find(({ meta }) => meta.rows)?.meta.rows;
  if (failed.length > 0 || tree === undefined || rows === undefined) {
    throw new Error(`The tests of the objects failed:\n${failed.join('\n')}`);
  }
  return { tree, rows };
};
