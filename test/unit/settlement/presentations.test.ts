import { expect, test } from 'vitest';
import {
  mayPresent,
  notePresented,
  type Presentations,
} from '../../../src/settlement/presentations.ts';

test('a payment is presented again after two blocks, or when the chain stands still, after half a minute', () => {
  const presentations: Presentations = new Map();
  expect(mayPresent(presentations, 'a', 100, 0)).toBe(true);
  notePresented(presentations, 'a', 100, 1_000);
  expect(mayPresent(presentations, 'a', 101, 1_001)).toBe(false);
  expect(mayPresent(presentations, 'a', 102, 1_001)).toBe(true);
  expect(mayPresent(presentations, 'a', 100, 1_029)).toBe(false);
  expect(mayPresent(presentations, 'a', 100, 1_030)).toBe(true);
  expect(mayPresent(presentations, 'b', 100, 1_001)).toBe(true);
});

test('it forgets the oldest first and never grows beyond ten thousand', () => {
  const presentations: Presentations = new Map();
  notePresented(presentations, 'first', 100, 0);
  notePresented(presentations, 'second', 100, 0);
  notePresented(presentations, 'first', 100, 0);
  for (let at = 0; at < 9_999; at += 1) notePresented(presentations, `${at}`, 100, 0);
  expect(presentations.size).toBe(10_000);
  expect(presentations.has('second')).toBe(false);
  expect(presentations.has('first')).toBe(true);
});
