import { expect, it } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import {
  exactMomentOf,
  momentOf,
  momentToSecond,
  resetText,
  startOf,
  timeOf,
} from '../../../../src/dashboard/format/time.ts';

const year = new Date(nowSeconds() * 1000).getUTCFullYear();
const at = startOf(`${year}-11-28`) + 7 * 3600 + 36 * 60 + 5;

it('writes a moment of this year without year and seconds, and others with their year', () => {
  expect(momentOf(at)).toBe('28 Nov, 07:36');
  expect(momentOf(startOf(`${year + 1}-01-02`))).toBe(`2 Jan ${year + 1}, 00:00`);
});

it('writes how long a limit waits for its reset, and the hour in UTC', () => {
  expect(resetText(startOf(`${year}-11-29`), at)).toBe('resets in 16 h (00:00 UTC)');
});

it('writes seconds and zone where they are wanted', () => {
  expect(momentToSecond(at)).toBe('28 Nov, 07:36:05');
  expect(timeOf(at)).toBe('07:36:05 UTC');
  expect(exactMomentOf(at)).toBe(`28 Nov ${year}, 07:36:05 UTC`);
});
