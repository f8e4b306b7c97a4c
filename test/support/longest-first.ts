import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ROOT } from '../../dev/root.ts';
import durations from './durations.json' with { type: 'json' };

/**
 * Begins each project with the files that take longest. Vitest knows durations only from earlier runs of the same checkout, and begins with
 * large files otherwise: `npm run test:deep` ended with minutes of one small file, and three idle workers. `dev/durations.ts` writes the file.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const byProject = Map.groupBy(await super.sort(files), ({ project }) => project);
    return [...byProject.values()].flatMap((group) =>
      group.toSorted((one, other) => secondsOf(other) - secondsOf(one)),
    );
  }
}

const SECONDS = new Map<string, number>(Object.entries(durations));

const secondsOf = ({ moduleId }: TestSpecification): number =>
  SECONDS.get(relative(ROOT, moduleId)) ?? 0;
