import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ROOT } from '../../dev/root.ts';
import durations from './durations.json' with { type: 'json' };

/**
 * Starts each project with its slowest test files. In a fresh checkout Vitest knows no durations and starts with the largest files; `npm
 * run test:deep` then ended with minutes of one small file while three workers were idle. `dev/durations.ts` writes `durations.json`.
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
