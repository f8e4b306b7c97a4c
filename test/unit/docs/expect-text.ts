import { expect } from 'vitest';

/** Expects that a page contains a text. A failure prints the text and not the page. */
export const expectText = (page: string, part: string): void => {
  expect(page.includes(part), part).toBe(true);
};
