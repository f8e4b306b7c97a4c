import { expect, it } from 'vitest';
import { lasting } from '../../../src/core/lasting.ts';

it.each([
  [-3, '0 s'],
  [45.9, '45 s'],
  [119, '119 s'],
  [179, '2 min'],
  [7_199, '119 min'],
  [13_000, '3 h'],
  [172_799, '47 h'],
  [259_199, '2 days'],
])('writes %d seconds as %s, and never as more than they are', (seconds, text) => {
  expect(lasting(seconds)).toBe(text);
});
