import { expect, it } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { startOf } from '../../../../src/dashboard/format/time.ts';
import { waitText } from '../../../../src/dashboard/format/wait-text.ts';

const year = new Date(nowSeconds() * 1000).getUTCFullYear();
const at = startOf(`${year}-11-28`) + 7 * 3600 + 36 * 60 + 5;

it('writes how long to wait, and never an earlier end', () => {
  expect(waitText(45, at)).toBe('Wait 45 s');
  expect(waitText(720, at)).toBe('Wait until 07:49 (12 min from now)');
  expect(waitText(3 * 86_400, at)).toBe('Wait until 1 Dec, 07:37 (3 days from now)');
});
