import { describe, expect, test } from 'vitest';
import { shownCallsText } from '../../../../src/dashboard/format/shown-calls.ts';

describe('the text about a list of a tree', () => {
  test('is absent if the list has every call', () => {
    expect(shownCallsText({ shows: 'all', read: 3 }, false)).toBeUndefined();
  });

  test.each([
    ['newest', false, 'Choose an agent above to see its older ones.'],
    ['newest', true, 'Choose an agent above to see its older ones.'],
    ['some', false, 'calls of the 50 accounts that were active last'],
    ['some', true, 'others may match'],
  ] as const)('says that calls are missing: %s, with a filter: %s', (shows, isFiltered, words) => {
    expect(shownCallsText({ shows, read: 50 }, isFiltered)).toContain(words);
  });
});
