import { describe, expect, test } from 'vitest';
import { shortId, table } from '../../src/cli/lib/text.ts';

const CALL = '0x5b36c90854a7640a15f67b4a1725bb90b6bfd1932a17d92d7dad78fb76cdb956';
const ADDRESS = '0x1eD8cf360A513ce0b54436a00Fce38477211e974';
const COLUMNS = [
  { title: 'WHEN' },
  { title: 'ACCOUNT', cut: 'middle' },
  { title: 'TOOL', cut: 'end' },
  { title: 'CALL', cut: 'middle' },
] as const;
const ROWS = [
  ['2026-11-27 18:05', ADDRESS, 'countersign.credits', CALL],
  ['2026-11-27 18:05', 'team/a-long-name-of-an-agent', 'lookup', CALL],
];

test('shortens addresses, accounts and hashes alike, and nothing else', () => {
  expect(shortId(CALL)).toBe('0x5b36c908…b956');
  expect(shortId(ADDRESS)).toBe('0x1eD8cf36…e974');
  expect(shortId(`eip155:84532:${ADDRESS}`)).toBe('eip155:84532:0x1eD8cf36…e974');
  for (const other of ['team/alice', '0x1234', 'lookup', '']) expect(shortId(other)).toBe(other);
});

describe('a table', () => {
  test('in a pipe, or with room for them, shows whole ids', () => {
    const shown = table(COLUMNS, ROWS, Number.POSITIVE_INFINITY);
    expect(shown).toContain(CALL);
    expect(shown).toContain(ADDRESS);
  });

  test.each([100, 80, 72])('of %i columns shows every id in one short form', (width) => {
    const lines = table(COLUMNS, ROWS, width).split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width);
    expect(lines[1]).toContain('0x1eD8cf36…e974');
    for (const line of lines.slice(1)) expect(line).toContain('0x5b36c908…b956');
  });

  test.each([60, 40])('of %i columns never cuts a short id again', (width) => {
    const shown = table(COLUMNS, ROWS, width);
    expect(shown.includes('0x5b36c908…b956') || shown.includes(CALL)).toBe(true);
    const broken = shown.split('\n').filter((line) => [...line].length > width);
    expect(broken).toEqual([]);
  });
});
