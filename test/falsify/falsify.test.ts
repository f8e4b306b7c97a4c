import { describe, expect, inject, test } from 'vitest';
import { violations } from './figures.ts';
import type { FalsifyOptions } from './options.ts';
import { runScenario } from './scenario.ts';
import { runSkew } from './skew.ts';

const { seed, seeds, calls, kinds } = JSON.parse(inject('options')) as FalsifyOptions;

/** Milliseconds in which the greedy account may spend what remains. */
const MAX_MS = 2_000;

describe.each(Array.from({ length: seeds }, (_, at) => seed + at))('seed %i', (each) => {
  const print = (line: string): void => {
    console.log(`seed ${each}, ${line}`);
  };

  // `dev/falsify.ts` parses seed and kind from these titles.
  test.for(kinds)('%s', async (kind, { task }) => {
    const findings = [
      await runScenario(each, kind, calls, print),
      await runSkew(each, kind, MAX_MS, print),
    ];
    task.meta.findings = findings;
    expect(findings.flatMap(violations)).toEqual([]);
  });
});
