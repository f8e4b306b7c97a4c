import { expect, it } from 'vitest';
import { createMemories } from '../../../../../src/dashboard/data/reading/memories.ts';

it('forgets every memory at once', () => {
  const { memory, forget } = createMemories();
  const [rows, names] = [memory(() => new Map<string, string>()), memory(() => new Set<string>())];
  rows().set('row', 'of account 1');
  names().add('agent of account 1');
  forget();
  expect([[...rows()], [...names()]]).toEqual([[], []]);
});

it('loses what a read stores that began before the end', () => {
  const { memory, forget } = createMemories();
  const rows = memory(() => new Map<string, string>());
  const before = rows();
  forget();
  before.set('row', 'of account 1');
  expect([...rows()]).toEqual([]);
});
