import { describe, expect, test } from 'vitest';
import { entryHash, entryText, GENESIS } from '../../../src/audit/entry.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { verifyRun } from '../../../src/audit/run.ts';
import { verifyLog } from '../../support/verify-log.ts';
import {
  accepted,
  ALICE,
  committed,
  history,
  MALLORY,
  paidCalls,
  settled,
  word,
} from './history.ts';

const log = paidCalls(ALICE, 3);
const lastHash = entryHash(log.at(-1) as Entry);
const whole = { account: ALICE, after: GENESIS, lastHash };

/** The log with one entry replaced. */
const replaced = (index: number, entry: unknown): Entry[] => log.with(index, entry as Entry);
const at = (index: number): Entry => log[index] as Entry;
const ndjson = (entries: readonly Entry[]): string =>
  entries.map((entry) => `${entryText(entry)}\n`).join('');

describe('a valid run', () => {
  test('returns the head of its chain', () => {
    expect(verifyRun(log, whole)).toEqual({
      ok: true,
      value: { account: ALICE, first: 1, last: 9, hash: lastHash, hashes: log.map(entryHash) },
    });
  });

  test('may start anywhere, with or without a known head', () => {
    const rest = log.slice(4);
    const after = { seq: 4, hash: entryHash(at(3)) };
    expect(verifyRun(rest, { after, lastHash })).toMatchObject({
      ok: true,
      value: { first: 5, last: 9 },
    });
    expect(verifyRun(rest)).toMatchObject({ ok: true, value: { first: 5, last: 9 } });
  });

  test('is read back from its text, with or without the last newline', () => {
    expect(verifyLog(ndjson(log), whole)).toMatchObject({ ok: true });
    expect(verifyLog(ndjson(log).trimEnd(), whole)).toMatchObject({ ok: true });
  });
});

describe('the first broken entry is named', () => {
  const changes: [string, (entry: Entry) => Entry][] = [
    ['type', (entry) => ({ ...entry, type: 'call.denied' })],
    ['at', (entry) => ({ ...entry, at: entry.at + 1 })],
    ['call', (entry) => ({ ...entry, call: word(99) })],
    ['tool', (entry) => ({ ...entry, tool: 'lookup' })],
    ['request', (entry) => ({ ...entry, request: word(99) })],
    ['salt', (entry) => ({ ...entry, salt: `0x${'00'.repeat(16)}` })],
    ['evidence', (entry) => ({ ...entry, evidence: { proof: 'intent' } })],
    ['decision', (entry) => ({ ...entry, decision: 'settle' })],
    ['rule', (entry) => ({ ...entry, rule: 'rate' })],
    ['count', (entry) => ({ ...entry, count: 2 })],
    ['binding', (entry) => ({ ...entry, binding: 'intent' })],
    ['policy', (entry) => ({ ...entry, policy: word(98) })],
    ['amounts', (entry) => ({ ...entry, amounts: { price: '19999' } })],
    ['outcome', (entry) => ({ ...entry, outcome: { success: false } })],
    ['payment', (entry) => ({ ...entry, payment: { state: 'failed' } })],
  ];
  test.each(changes)('changed %s', (_, change) => {
    for (const index of [0, 3, 8]) {
      const text = ndjson(replaced(index, change(at(index))));
      expect(verifyLog(text, whole)).toEqual({
        ok: false,
        error: { index, seq: index + 1, reason: 'altered' },
      });
    }
  });

  test('an entry whose link was rewritten', () => {
    const entries = replaced(5, { ...at(5), prev: word(1) });
    expect(verifyRun(entries, whole)).toEqual({
      ok: false,
      error: { index: 5, seq: 6, reason: 'unlinked' },
    });
  });

  test('a first entry that starts another chain', () => {
    const entries = replaced(0, { ...at(0), prev: word(1) });
    expect(verifyRun(entries, whole)).toMatchObject({ error: { index: 0, reason: 'unlinked' } });
    expect(verifyRun(entries)).toMatchObject({ error: { index: 0, reason: 'unlinked' } });
  });

  test('a tail rewritten with new links, against a known head', () => {
    const forged = history(ALICE, [accepted(50), committed(50), settled(50)], {
      seq: 6,
      hash: entryHash(at(5)),
    });
    expect(verifyRun([...log.slice(0, 6), ...forged], whole)).toMatchObject({
      error: { index: 8, seq: 9, reason: 'altered' },
    });
  });

  test.each([
    ['missing', log.toSpliced(4, 1), 4, 5],
    ['repeated', log.toSpliced(4, 0, at(3)), 4, 5],
    ['out of order', log.with(4, at(5)).with(5, at(4)), 4, 5],
    ['missing at the start', log.slice(1), 0, 1],
  ])('an entry %s', (_, entries, index, expected) => {
    expect(verifyRun(entries, whole)).toMatchObject({ error: { index, reason: 'seq', expected } });
  });

  test('a truncated log, against a known head', () => {
    expect(verifyRun(log.slice(0, 8), whole)).toMatchObject({
      error: { seq: 8, reason: 'altered' },
    });
  });

  test("another account's entry, alone or all of them", () => {
    const foreign = history(MALLORY, [accepted(1)])[0];
    expect(verifyRun(replaced(2, { ...at(2), account: MALLORY }), whole)).toMatchObject({
      error: { index: 2, reason: 'account', found: MALLORY },
    });
    expect(verifyRun([foreign as Entry], { account: ALICE })).toMatchObject({
      error: { index: 0, reason: 'account' },
    });
  });

  test('an empty run', () => {
    expect(verifyRun([])).toEqual({ ok: false, error: { index: 0, reason: 'empty' } });
  });
});

describe('malformed text', () => {
  const lines = ndjson(log).trimEnd().split('\n');
  const second = lines[1] as string;
  const spoilt = (line: string): string => lines.with(1, line).join('\n');

  test.each([
    ['no JSON', 'x', 'entry'],
    ['an empty line', '', 'entry'],
    ['an array', '[]', 'entry'],
    ['an unknown member', second.replace('{', '{"admin":true,'), 'admin'],
    ['another version', second.replace('"v":1', '"v":2'), 'v'],
    ['an unknown type', second.replace('call.finished', 'call.blessed'), 'type'],
    ['a short hash', second.replace(/"prev":"0x../, '"prev":"0x'), 'prev'],
    ['an upper-case account', second.replace('0xa1a1', '0xA1a1'), 'account'],
    ['seq zero', second.replace('"seq":2', '"seq":0'), 'seq'],
    ['a float', second.replace('"status":200', '"status":200.5'), 'outcome'],
    ['an unsafe integer', second.replace('"status":200', '"status":9007199254740993'), 'outcome'],
    [
      'an amount with a sign',
      second.replace('"charged":"20000"', '"charged":"-20000"'),
      'amounts.charged',
    ],
    ['a lone surrogate', second.replace('"reason":"answered"', '"reason":"\\ud800"'), 'outcome'],
    ['a member twice', second.replace('{', '{"amounts":{},'), 'canonical form'],
    ['another order', second.replace(',"v":1}', '}').replace('{', '{"v":1,'), 'canonical form'],
    ['spaces', second.replace('{', '{ '), 'canonical form'],
    [
      'deep nesting',
      second.replace('"status":200', `"status":${'['.repeat(20_000)}${']'.repeat(20_000)}`),
      'outcome',
    ],
  ])('%s', (_, line, field) => {
    expect(line).not.toBe(second);
    expect(verifyLog(spoilt(line))).toMatchObject({
      ok: false,
      error: { index: 1, reason: 'malformed', field },
    });
  });
});
