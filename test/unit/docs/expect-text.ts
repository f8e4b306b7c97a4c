import { expect } from 'vitest';

/** Expects a part of a page. A failure names the part and does not print the page. */
export const expectText = (page: string, part: string): void => {
  expect(page.includes(part), part).toBe(true);
};
