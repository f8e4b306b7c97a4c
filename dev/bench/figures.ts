import type { Measured } from './load.ts';
import { spread, type Spread } from './statistics.ts';

/** What blocks of calls came to, those of all compared accounts sent in turn. Times in milliseconds, CPU in microseconds. */
export type Figures = {
  readonly cpuPerRequest: Spread;
  readonly p50: Spread;
  readonly p99: Spread;
};

export const figuresOf = (blocks: readonly Measured[]): Figures => ({
  cpuPerRequest: spread(blocks.map(({ cpuPerRequest }) => cpuPerRequest)),
  p50: spread(blocks.map(({ p50 }) => p50)),
  p99: spread(blocks.map(({ p99 }) => p99)),
});
