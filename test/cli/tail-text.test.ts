import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { namesOf } from '../../src/cli/lib/accounts.ts';
import { decisionText } from '../../src/cli/tail.ts';
import { createDecisions, decisionOf, shownAt } from '../../src/cli/tail/decision.ts';
import { createSequence } from '../../src/cli/tail/feeds.ts';
import type { EntryEvent } from '../../src/client/management-events.ts';
import { ACCOUNT, longest, names, NOW, outputOf } from './support/output.ts';

const entry = (fields: Partial<EntryEvent>): EntryEvent =>
  ({
    ...{ v: 1, type: 'call.denied', seq: 7, account: ACCOUNT, prev: '0x00', salt: '0x00', at: NOW },
    ...fields,
  }) as EntryEvent;

describe('a decision of tail', () => {
  test('shows why a call was denied, and by whose rule', () => {
    const above = 'eip155:84532:0x2b5ad5c4795c026514f8317c7a215e218dccd6cf';
    const line = decisionOf(
      entry({
        rule: 'window',
        tool: 'lookup',
        count: 3,
        outcome: { account: above, limit: { limit: '1000000', remaining: '500' } },
      }),
    );
    expect(line).toMatchObject({
      verdict: 'denied',
      rule: 'window',
      count: 3,
      by: above,
      left: '500',
      limit: '1000000',
    });
    if (line === undefined) throw new Error('no line');
    const text = decisionText(outputOf(140), line, names, 'alice');
    expect(text).toMatch(
      /^08:00:10 alice +lookup +denied +window, limit \$1\.00, left \$0\.0005, by owner, 3 times since 08:00:00$/,
    );
    expect(text).not.toContain('\n');
    expect(
      longest(decisionText(outputOf(40), line, names, 'somebody with a long name')),
    ).toBeLessThanOrEqual(40);
    expect(longest(decisionText(outputOf(80), line, names, 'alice'))).toBeLessThanOrEqual(80);
  });

  test('prints a rate as calls, not money', () => {
    const line = decisionOf(
      entry({ rule: 'rate', outcome: { limit: { limit: '60', remaining: '0' } } }),
    );
    expect(line?.says).toBe('limit 60, left 0');
  });

  test('exists for decisions, not for entries that follow from one', () => {
    const verdict = (fields: Partial<EntryEvent>) => decisionOf(entry(fields))?.verdict;
    expect(verdict({ type: 'call.accepted', amounts: { price: '1000' } })).toBe('allowed');
    expect(verdict({ type: 'call.dispatched' })).toBeUndefined();
    expect(verdict({ type: 'call.finished', outcome: { success: true } })).toBeUndefined();
    expect(verdict({ type: 'call.finished', outcome: { success: false, status: 500 } })).toBe(
      'failed',
    );
    expect(verdict({ type: 'alert.raised', rule: 'debt', outcome: {} })).toBe('alert');
    expect(
      verdict({ type: 'account.status', decision: 'frozen', outcome: { side: 'owner' } }),
    ).toBe('order');
    expect(verdict({ type: 'of.a_later_release' })).toBeUndefined();
  });

  test('shows the charge of a call that ended below its price', () => {
    const decide = createDecisions();
    const call = `0x${'11'.repeat(32)}` as const;
    const begun = { type: 'call.accepted', call, amounts: { price: '50000' } };
    const ended = (charged: string) => ({
      ...{ type: 'call.finished', call, tool: 'summarise', amounts: { charged } },
      outcome: { success: true, status: 200 },
    });
    expect(decide(entry(begun))).toMatchObject({ verdict: 'allowed', price: '50000' });
    const line = decide(entry(ended('1580')));
    expect(line).toMatchObject({ verdict: 'charged', charged: '1580', says: 'of $0.05 at most' });
    if (line === undefined) throw new Error('no line');
    expect(decisionText(outputOf(140), line, names, undefined)).toMatch(
      /summarise +\$0\.00158 charged/,
    );
    // A call charged at its price prints no second line.
    decide(entry(begun));
    expect(decide(entry(ended('50000')))).toBeUndefined();
  });

  test.each<[string, Partial<EntryEvent>, string]>([
    [
      'a payment that was never presented',
      { payment: { state: 'released', paidBy: 'deferred' } },
      'the tool answered 500; nothing charged',
    ],
    [
      'a payment that had moved',
      { payment: { state: 'settled', paidBy: 'upfront' } },
      'the tool answered 500; $0.05 had moved and is credit now',
    ],
    [
      'a tool that gave no answer',
      {
        outcome: { success: false, status: 0, reason: 'timeout' },
        payment: { state: 'none', paidBy: 'credit', kept: true },
      },
      'the tool gave no answer (timeout); the gateway holds the price until the operator resolves the call',
    ],
    [
      'a call that the alarm ended',
      {
        type: 'call.abandoned',
        outcome: { reason: 'no_finish' },
        payment: { state: 'none', paidBy: 'lent' },
      },
      'the tool gave no answer in time; nothing charged',
    ],
    [
      'a settled call that never ran',
      {
        type: 'call.abandoned',
        outcome: { reason: 'never_repeated' },
        payment: { state: 'settled', paidBy: 'upfront' },
      },
      'the payment settled, but the client never repeated the call, so the tool did not run; $0.05 had moved and is credit now',
    ],
  ])('shows what happened to the money of %s', (_, fields, says) => {
    const decide = createDecisions();
    const call = `0x${'22'.repeat(32)}` as const;
    decide(entry({ type: 'call.accepted', call, amounts: { price: '50000' } }));
    const failed = {
      ...{ type: 'call.finished', call, amounts: { charged: '0' } },
      outcome: { success: false, status: 500, reason: 'upstream_status' },
    };
    expect(decide(entry({ ...failed, ...fields }))).toMatchObject({ verdict: 'failed', says });
  });

  test('shows the amount of a credit change', () => {
    const says = (fields: Partial<EntryEvent>) =>
      decisionOf(entry({ amounts: { amount: '1500000' }, ...fields }))?.says;
    expect(says({ type: 'credit.received' })).toBe('$1.50 of credit received');
    expect(says({ type: 'credit.refunded' })).toBe('$1.50 of credit refunded on chain');
    expect(says({ type: 'credit.adjusted', decision: 'added' })).toBe(
      '$1.50 of credit added by the operator',
    );
    expect(says({ type: 'credit.adjusted', decision: 'taken' })).toBe(
      '$1.50 of credit taken by the operator',
    );
  });

  test('shows a label next to the name of a key, never instead of it', async () => {
    const session = {
      keystore: {
        entries: async () =>
          Promise.resolve([
            {
              kind: 'key',
              name: 'treasury',
              address: ACCOUNT.slice(ACCOUNT.lastIndexOf(':') + 1),
              file: '',
            },
          ]),
      },
      profile: { stack: async () => Promise.resolve(undefined) },
    };
    const line = decisionOf(entry({ type: 'call.accepted', amounts: { price: '1000' } }));
    if (line === undefined) throw new Error('no line');
    const known = await namesOf(session as never);
    expect(decisionText(outputOf(40), line, known, 'crawler')).toContain('treasury (crawler)');
  });

  test('has no terminal controls', () => {
    const line = decisionOf(
      entry({
        rule: '\u001B[2Jwindow',
        tool: '\u001B]0;x\u0007tool',
        outcome: { param: '\u001B[31m' },
      }),
    );
    if (line === undefined) throw new Error('no line');
    for (const columns of [40, 80, 200])
      expect(decisionText(outputOf(columns), line, names, '\u001B[1mlabel')).not.toMatch(
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/,
      );
  });
});

describe('decisions of several feeds', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const collect = () => {
    const shown: string[] = [];
    const sequence = createSequence<readonly [number, string]>(
      1500,
      ([time]) => time,
      ([, text]) => shown.push(text),
    );
    return { shown, sequence };
  };

  test('are printed in the order of their times', () => {
    const { shown, sequence } = collect();
    sequence.add([3, 'alice 3']);
    vi.advanceTimersByTime(500);
    sequence.add([2, 'bob 2']);
    sequence.add([4, 'bob 4']);
    vi.advanceTimersByTime(500);
    sequence.add([1, 'carol 1']);
    expect(shown).toEqual([]);
    vi.advanceTimersByTime(500);
    expect(shown).toEqual(['carol 1', 'bob 2', 'alice 3']);
    vi.advanceTimersByTime(1500);
    expect(shown).toEqual(['carol 1', 'bob 2', 'alice 3', 'bob 4']);
  });

  test('of one second keep the order of their log', () => {
    const { shown, sequence } = collect();
    for (const text of ['first', 'second', 'third']) sequence.add([7, text]);
    vi.advanceTimersByTime(1500);
    expect(shown).toEqual(['first', 'second', 'third']);
  });

  test('are flushed once when the command stops', () => {
    const { shown, sequence } = collect();
    sequence.add([2, 'b']);
    sequence.add([1, 'a']);
    sequence.flush();
    vi.advanceTimersByTime(5000);
    expect(shown).toEqual(['a', 'b']);
  });

  test('sort further denials at the end of their ten seconds, where the log has them, and the first at once', () => {
    const denied = decisionOf(entry({ rule: 'rate', at: NOW, count: 3 }));
    const allowed = decisionOf(
      entry({ type: 'call.accepted', at: NOW + 8, amounts: { price: '1' } }),
    );
    if (denied === undefined || allowed === undefined) throw new Error('no line');
    expect(shownAt(denied)).toBeGreaterThan(shownAt(allowed));
    const first = decisionOf(entry({ rule: 'rate', at: NOW, count: 1 }));
    expect(first && shownAt(first)).toBe(NOW);
  });
});
