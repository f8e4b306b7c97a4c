import { expect, it } from 'vitest';
import { toolName } from '../../../../src/dashboard/format/text.ts';

it('names what buys credit a top-up, and every other tool by its id', () => {
  expect(toolName('countersign.credits')).toBe('top-up');
  expect(toolName('search.web\u202e')).toBe('search.web');
});
