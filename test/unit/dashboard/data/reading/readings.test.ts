import { expect, it } from 'vitest';
import { UNANSWERED } from '../../../../../src/dashboard/data/gateway/problem.ts';
import {
  areLate,
  oldestOf,
  type Reading,
  unansweredOf,
} from '../../../../../src/dashboard/data/reading/readings.ts';

const NOW = 1_000_000;
const reading = (age: number, seconds: number, type?: string): Reading => ({
  at: NOW - age,
  seconds,
  problem: type === undefined ? undefined : { type, detail: '', hint: '' },
  refresh: () => undefined,
});

it('dates a page by its oldest reading, leaving out facts that are read once an hour', () => {
  expect(oldestOf([reading(3, 15), reading(9, 15), reading(1800, 3600)])).toBe(NOW - 9);
  expect(oldestOf([reading(1800, 3600)])).toBe(NOW - 1800);
  expect(oldestOf([{ ...reading(0, 15), at: undefined }])).toBeUndefined();
});

it('calls a page late after a reading missed two of its own turns', () => {
  expect(areLate([reading(30, 15), reading(1800, 3600)], NOW)).toBe(false);
  expect(areLate([reading(31, 15)], NOW)).toBe(true);
});

it('finds the readings that the gateway did not answer, and no others', () => {
  const silent = reading(60, 15, UNANSWERED);
  const refused = reading(60, 15, 'urn:countersign:problem:rate');
  expect(unansweredOf([reading(1, 15), silent, refused])).toEqual([silent]);
});
