import { describe, expect, inject, test } from 'vitest';
import { wrongs } from './figures.ts';
import type { FalsifyOptions } from './options.ts';
import { runScenario } from './scenario.ts';
import { runSkew } from './skew.ts';

const { seed, seeds, calls, kinds } = JSON.parse(inject('options')) as FalsifyOptions;

/** What a greedy account gets, it gets in this time. */
const MOST_MS = 2_000;

describe.each(Array.from({ length: seeds }, (_, at) => seed + at))('seed %i', (each) => {
  const say = (line: string): void => {
    console.log(`seed ${each}, ${line}`);
  };

  test.for(kinds)('%s', async (kind, { task }) => {
    const findings = [
      await runScenario(each, kind, calls, say),
      await runSkew(each, kind, MOST_MS, say),
    ];
    task.meta.findings = findings;
    expect(findings.flatMap(wrongs)).toEqual([]);
  });
});
