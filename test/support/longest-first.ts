import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Test files that take longest, longest first. Vitest knows durations only from earlier runs of the same checkout, and begins with large
 * files otherwise: `npm run test:deep` ended with two minutes of one small file, and three idle workers.
 */
const LONGEST = [
  'test/cli/deploy.test.ts',
  'test/lifecycle/start.test.ts',
  'test/conformance/management-matrix.test.ts',
  'test/cli/manage.test.ts',
  'test/cli/pipe.test.ts',
  'test/chaos/chaos.test.ts',
  'test/chaos/run/run.test.ts',
  'test/cli/manage-gateway.test.ts',
  'test/conformance/contract-owner.test.ts',
  'test/properties/tree.test.ts',
  'test/browser/dashboard-settlements.test.ts',
  'test/browser/dashboard-counts.test.ts',
];

/** Begins each project with the files that take longest. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const byProject = Map.groupBy(await super.sort(files), ({ project }) => project);
    return [...byProject.values()].flatMap((group) =>
      group.toSorted((one, other) => placeOf(one) - placeOf(other)),
    );
  }
}

const placeOf = ({ moduleId }: TestSpecification): number => {
  const place = LONGEST.findIndex((file) => moduleId.endsWith(`/${file}`));
  return place < 0 ? LONGEST.length : place;
};
