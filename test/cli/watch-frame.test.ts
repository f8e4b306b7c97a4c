import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { styleOf } from '../../src/cli/lib/output.ts';
import { frame, snapshot } from '../../src/cli/watch/frame.ts';
import { bar } from '../../src/cli/watch/rows.ts';
import {
  type Budget,
  budgetsOf,
  emptyState,
  type Line,
  stateDocument,
  tightest,
  type WatchState,
  withLines,
} from '../../src/cli/watch/state.ts';
import { FIRST_VIEW, keysIn, type View, viewAfter } from '../../src/cli/watch/view.ts';
import { ACCOUNT, longest, NOW } from './support/output.ts';

const OTHER = `${ACCOUNT.slice(0, -2)}ee`;

const line = (fields: Partial<Line> = {}): Line => ({
  ...{ at: NOW, account: ACCOUNT, agent: 'team/alice', seq: 7, type: 'call.accepted' },
  ...{ verdict: 'allowed', tool: 'lookup', price: '1000', says: '' },
  ...fields,
});
const denied = line({
  ...{ seq: 8, type: 'call.denied', verdict: 'denied', rule: 'owner:window', at: NOW - 4 },
  ...{ says: 'limit $0.002, left $0.00', account: OTHER, agent: 'team/bob', count: 3 },
});
const budget = (fields: Partial<Budget> = {}): Budget => ({
  ...{ account: ACCOUNT, agent: 'team/alice', rule: 'owner:window:day', limit: 2_000_000n },
  ...{ spent: 500_000n, held: 250_000n, left: 1_250_000n, resetsAt: NOW + 7_200 },
  ...fields,
});

const known = <T>(value: T, asOf = NOW - 3) => ({ kind: 'known', value, asOf }) as const;
const state: WatchState = {
  ...emptyState('https://gateway.example', 'treasury, owner'),
  health: { kind: 'ok', isPaused: false, ms: 12, at: NOW - 3, stopped: [] },
  decisions: known([denied, line()]),
  budgets: known([budget({ left: 0n, spent: 2_000_000n, held: 0n, account: OTHER }), budget()]),
  settlements: known({
    rows: [
      { state: 'open', count: 3, isLeast: false, amount: 60_000n, at: NOW - 90 },
      { state: 'settled', count: 40, isLeast: true, amount: 1_000_000n, at: NOW - 5 },
    ],
  }),
  alerts: known({
    lines: [line({ seq: 9, verdict: 'alert', rule: 'debt', says: 'debt 5' })],
    deadLetters: { count: 2, oldest: NOW - 600 },
  }),
};

const PLAIN = styleOf(false);
const drawn = (
  columns: number,
  rows = 24,
  { view = FIRST_VIEW, of = state }: { view?: View; of?: WatchState } = {},
): readonly string[] => frame(of, view, { columns, rows }, PLAIN, NOW);

describe('a frame', () => {
  test.each([
    [60, 24],
    [80, 24],
    [120, 24],
    [200, 24],
    [200, 60],
    [20, 24],
    [60, 5],
  ])('of %i columns and %i rows fits exactly', (columns, rows) => {
    for (const view of [FIRST_VIEW, { ...FIRST_VIEW, isHelp: true }]) {
      const lines = drawn(columns, rows, { view });
      expect(lines).toHaveLength(rows);
      expect(longest(lines.join('\n'))).toBeLessThanOrEqual(columns);
    }
  });

  test.each([60, 80, 200])('of %i columns shows every part with its age', (columns) => {
    const text = drawn(columns).join('\n');
    expect(text).toMatch(/gateway ok, 12 ms, as of 07:59:57/);
    for (const title of ['Decisions', 'Tightest budgets', 'Settlements', 'Alerts'])
      expect(text).toMatch(new RegExp(`${title} {2}as of 07:59:57, 3 s ago`));
    expect(text).toMatch(/08:00:06 team\/bob +lookup +\$0\.001 denied {2}owner:window/);
    expect(text).toMatch(/08:00:00 team\/alice +lookup +\$0\.001 allowed/);
    expect(text).toMatch(/owner:day +#+ .*\$0\.00 left/);
    expect(text).toMatch(/##=\.+ .*\$1\.25 left +(resets )?in 2 h/);
    expect(text).toMatch(/open +3 +\$0\.06 oldest 90 s ago/);
    expect(text).toMatch(/settled +40\+ +\$1\.00 newest 5 s ago/);
    expect(text).toMatch(/2 dead letters, oldest 10 min ago/);
    expect(text).toMatch(/team\/alice +debt +debt 5/);
    expect(text).toContain('? help');
  });

  test('shows spent and held in numbers where they fit', () => {
    expect(drawn(200).join('\n')).toMatch(/spent \$0\.50 +held \$0\.25 +\$1\.25 left/);
  });

  test('has no colours with NO_COLOR, and the same text with colours', () => {
    expect(drawn(80).join('')).not.toContain('\u001B');
    const coloured = frame(state, FIRST_VIEW, { columns: 80, rows: 24 }, styleOf(true), NOW);
    expect(coloured.join('')).toContain('\u001B[31m');
    expect(coloured.map((each) => stripVTControlCharacters(each))).toEqual(drawn(80));
  });

  test('is safe from labels, tools, rules and errors of others', () => {
    const evil = '\u001B[2J\u001B]0;owned\u0007\n\r\tx\u009b31m\u202eevil';
    const bad = line({ agent: evil, tool: evil, rule: evil, says: evil });
    const of: WatchState = {
      ...state,
      gateway: evil,
      signer: evil,
      health: { kind: 'gone', since: NOW - 60, why: evil, retryAt: NOW + 4 },
      decisions: known([bad]),
      budgets: known([budget({ agent: evil, rule: evil })]),
      settlements: { kind: 'closed', why: evil },
      alerts: known({ lines: [bad], deadLetters: undefined }),
    };
    for (const columns of [60, 80, 200]) {
      const lines = drawn(columns, 24, { of });
      expect(lines).toHaveLength(24);
      for (const each of lines)
        expect(each).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
      expect(longest(lines.join('\n'))).toBeLessThanOrEqual(columns);
    }
    expect(snapshot(of, 80, PLAIN, NOW)).not.toMatch(
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/,
    );
  });

  test('says since when the gateway is gone, and when it tries again', () => {
    const health = {
      kind: 'gone',
      ...{ since: NOW - 65, retryAt: NOW + 4 },
      why: 'Nothing listens at that address.',
    } as const;
    const text = drawn(80, 24, { of: { ...state, health } }).join('\n');
    expect(text).toContain(
      'GONE since 07:58:55 (65 s). Nothing listens at that address. Next try in 4 s.',
    );
    // What was known stays, with its age.
    expect(text).toContain('team/alice');
  });

  test('names the key that would see a part that is closed', () => {
    const of = {
      ...state,
      settlements: {
        kind: 'closed',
        why: `No operator. ${'More words. '.repeat(3)}Give --as <key>.`,
      },
    } as const;
    for (const columns of [60, 200]) {
      const text = drawn(columns, 24, { of }).join('\n').replace(/\s+/g, ' ');
      expect(text).toContain('Settlements not for this key');
      expect(text).toContain('Give --as <key>.');
    }
  });

  test('keeps the chosen row in sight', () => {
    const many = Array.from({ length: 60 }, (_, at) => line({ seq: at, agent: `agent-${at}` }));
    const of = { ...state, decisions: known(many) };
    for (const row of [0, 5, 30, 59]) {
      const text = drawn(80, 24, { of, view: { ...FIRST_VIEW, row } }).join('\n');
      expect(text).toMatch(new RegExp(`^> 08:00:00 agent-${row} `, 'm'));
    }
  });
});

describe('a bar', () => {
  test.each([
    [{}, '##=.......'.slice(0, 8), 8],
    [{ spent: 0n, held: 0n }, '..........', 10],
    [{ spent: 1n, held: 1n }, '#=........', 10],
    [{ spent: 2_000_000n, held: 250_000n }, '##########', 10],
    [{ spent: 9_000_000n, held: 0n }, '##########', 10],
    [{ limit: 0n, spent: 0n, held: 0n }, '..........', 10],
    [{ limit: 0n, spent: 1n, held: 0n }, '##########', 10],
  ])('of %o is %s', (fields, text, width) => {
    expect(bar(budget(fields), width)).toBe(text);
  });
});

describe('keys', () => {
  const press = (view: View, ...keys: readonly Parameters<typeof viewAfter>[1][]): View =>
    keys.reduce((at, key) => viewAfter(at, key, state), view);

  test('are read also when several arrive at once', () => {
    expect(keysIn('\u001B[A\u001B[B\t\u001B[Zq')).toEqual([
      'up',
      'down',
      'next',
      'previous',
      'quit',
    ]);
    expect(keysIn('\u001B')).toEqual(['escape']);
    expect(keysIn('\u0003')).toEqual(['interrupt']);
    expect(keysIn('\u001B[15~x\u001B[1;5A')).toEqual(['other', 'other', 'other']);
    for (const key of keysIn('\u001B[15~x')) expect(press(FIRST_VIEW, key)).toEqual(FIRST_VIEW);
  });

  test('choose a part, a row and one agent', () => {
    expect(press(FIRST_VIEW, 'next').part).toBe('budgets');
    expect(press(FIRST_VIEW, 'previous').part).toBe('alerts');
    expect(press(FIRST_VIEW, 'next', 'next', 'next', 'next')).toEqual(FIRST_VIEW);
    expect(press(FIRST_VIEW, 'up').row).toBe(0);
    expect(press(FIRST_VIEW, 'down', 'down', 'down').row).toBe(1);
    const one = press(FIRST_VIEW, 'enter');
    expect(one.only).toBe(OTHER);
    const text = drawn(80, 24, { view: one }).join('\n');
    expect(text).toContain('one account only');
    expect(text).not.toMatch(/team\/alice +lookup/);
    expect(press(one, 'escape').only).toBeUndefined();
    expect(press(FIRST_VIEW, 'next', 'next', 'enter').only).toBeUndefined();
  });

  test('pause, and open and close the help', () => {
    const paused = press(FIRST_VIEW, 'pause');
    expect(drawn(60, 24, { view: paused })[0]).toContain('PAUSED');
    expect(press(paused, 'pause').isPaused).toBe(false);
    const help = press(FIRST_VIEW, 'help');
    expect(drawn(60, 24, { view: help }).join('\n')).toContain('show only the agent of the row');
    expect(press(help, 'down')).toEqual(FIRST_VIEW);
  });
});

describe('the state', () => {
  test('has each decision once, the newest first, with what the log says of it', () => {
    const call = `0x${'11'.repeat(32)}`;
    const listed = line({ seq: 0, call, says: '' });
    const logged = line({ seq: 5, call, says: 'from credit' });
    const later = line({ seq: 9, at: NOW + 5 });
    const lines = withLines(withLines([], [listed]), [logged, later, later]);
    expect(lines.map(({ seq }) => seq)).toEqual([9, 5]);
    expect(withLines(lines, [listed])).toEqual(lines);
    const many = Array.from({ length: 500 }, (_, at) => line({ seq: at + 1, at: NOW + at }));
    expect(withLines([], many)).toHaveLength(200);
    expect(withLines([], many)[0]?.seq).toBe(500);
  });

  test('orders budgets by what is left, and leaves out rates', () => {
    const limit = (rule: string, of: string, remaining: string) => ({
      ...{ rule, limit: of, remaining, spent: '0', held: '0' },
    });
    const money = [
      {
        ...{ asset: '', credit: '0', credit_held: '0', credit_lent: '0', held: '0' },
        ...{ unsettled: '0', debt: '0' },
        limits: [limit('rate', '60', '1'), limit('lifetime', '100', '50'), limit('x', '9', '9')],
      },
    ];
    const found = budgetsOf(ACCOUNT, 'alice', { money } as never);
    expect(found.map(({ rule }) => rule)).toEqual(['lifetime', 'x']);
    const sorted = tightest([
      budget({ rule: 'a', limit: 10n, left: 9n }),
      budget({ rule: 'b', limit: 1_000_000n, left: 1n }),
      budget({ rule: 'c', limit: 0n, left: 0n }),
    ]);
    expect(sorted.map(({ rule }) => rule)).toEqual(['c', 'b', 'a']);
  });

  test('is a document with the age of each part', () => {
    expect(stateDocument(state, NOW)).toMatchObject({
      ...{ at: NOW, health: { status: 'ok', as_of: NOW - 3 } },
      decisions: { as_of: NOW - 3, items: [{ rule: 'owner:window' }, {}] },
      budgets: { as_of: NOW - 3, items: [{ left: 0n }, { resets_at: NOW + 7_200 }] },
      settlements: { as_of: NOW - 3, items: [{ state: 'open', count: 3, at_least: false }, {}] },
      alerts: { as_of: NOW - 3, dead_letters: 2 },
    });
    const closed = { ...state, budgets: { kind: 'closed', why: 'no' } } as const;
    expect(stateDocument(closed, NOW)).toMatchObject({ budgets: { closed: 'no' } });
  });
});
