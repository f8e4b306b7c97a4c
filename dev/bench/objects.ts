import type { BenchOptions, Rounds, Rows } from '../../test/bench/rounds.ts';
import { runProject } from '../run-project.ts';

/** What the objects do by themselves, without a gateway before them: the vitest project `bench`. */
export const measureObjects = async (
  options: BenchOptions,
  say: (line: string) => void,
): Promise<{ readonly tree: Rounds; readonly rows: Rows }> => {
  const finished = await runProject('bench', options, say);
  const failed = finished.flatMap((each) => each.failed);
  const tree = finished.find(({ meta }) => meta.rounds)?.meta.rounds;
  const rows = finished.find(({ meta }) => meta.rows)?.meta.rows;
  if (failed.length > 0 || tree === undefined || rows === undefined) {
    throw new Error(`The objects were not measured:\n${failed.join('\n')}`);
  }
  return { tree, rows };
};
