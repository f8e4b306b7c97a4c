import { expect, test } from 'vitest';
import {
  mayPresent,
  notePresented,
  type Presentations,
} from '../../../../src/settlement/present/presentations.ts';
import { backendsAt, FACILITATOR, TOKEN } from '../scripted.ts';

const [by] = backendsAt([FACILITATOR]).for(TOKEN.network);
const note = (presentations: Presentations, key: string, block: number, at: number): void => {
  if (by === undefined) throw new Error('no backend');
  notePresented(presentations, key, { block, at, by, claimed: undefined });
};

test('presents a payment again after two blocks or, if the chain makes no blocks, after half a minute', () => {
  const presentations: Presentations = new Map();
  expect(mayPresent(presentations, 'a', 100, 0)).toBe(true);
  note(presentations, 'a', 100, 1_000);
  expect(mayPresent(presentations, 'a', 101, 1_001)).toBe(false);
  expect(mayPresent(presentations, 'a', 102, 1_001)).toBe(true);
  expect(mayPresent(presentations, 'a', 100, 1_029)).toBe(false);
  expect(mayPresent(presentations, 'a', 100, 1_030)).toBe(true);
  expect(mayPresent(presentations, 'b', 100, 1_001)).toBe(true);
});

test('forgets the oldest presentation first and never exceeds ten thousand', () => {
  const presentations: Presentations = new Map();
  note(presentations, 'first', 100, 0);
  note(presentations, 'second', 100, 0);
  note(presentations, 'first', 100, 0);
  for (let at = 0; at < 9_999; at += 1) note(presentations, `${at}`, 100, 0);
  expect(presentations.size).toBe(10_000);
  expect(presentations.has('second')).toBe(false);
  expect(presentations.has('first')).toBe(true);
});
