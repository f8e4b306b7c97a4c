import { expect, test } from 'vitest';
import { barOf } from '../../../../../src/dashboard/data/navigation/bar.ts';

test('the bar has the current page, in place of the last', () => {
  expect([...barOf('/agents')]).toEqual([...barOf(undefined)]);
  expect([...barOf('/audit')]).toEqual([...[...barOf(undefined)].slice(0, 4), '/audit']);
});
