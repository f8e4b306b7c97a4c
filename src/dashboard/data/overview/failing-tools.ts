import type { AnswerOf } from '../../../client/management.ts';

/** Ended calls of a tool, and how many of them failed. */
export type FailingTool = {
  readonly tool: string;
  readonly calls: number;
  readonly failed: number;
};

/** Fewer ended calls prove little: a single agent that repeats a wrong request can make them. */
const LEAST_CALLS = 10;

/** The tools most of whose calls failed, the most failures first. A tool has a row for each asset. */
export const failingTools = (
  rows: readonly Pick<AnswerOf<'spend'>['items'][number], 'key' | 'calls' | 'failed'>[],
): readonly FailingTool[] => {
  const total = (some: typeof rows, of: 'calls' | 'failed'): number =>
    some.reduce((sum, row) => sum + row[of], 0);
  return [...Map.groupBy(rows, ({ key }) => key)]
    .map(([tool, own]) => ({ tool, calls: total(own, 'calls'), failed: total(own, 'failed') }))
    .filter(({ calls, failed }) => calls >= LEAST_CALLS && 2 * failed > calls)
    .toSorted((a, b) => b.failed - a.failed);
};
