import { freshDatabase } from '../audit/database.ts';
import { accepted, committed, settled, START } from '../audit/history.ts';
import { KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NOW, ASSET, ask, answerOf, happened } from './operations-world.ts';

beforeEach(async () => {
  await freshDatabase();
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
  network(KEY_ACCOUNT);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('ledger totals', () => {
  const day = '2027-01-15';
  const path = `/admin/books?from=${day}&to=${day}`;
  const HOSTILE = '=HYPERLINK("//evil")';

  beforeEach(async () => {
    await happened(
      { ...accepted(1), tool: HOSTILE },
      { ...committed(1), tool: HOSTILE },
      settled(1),
      {
        ...{ type: 'credit.adjusted', at: START, decision: 'taken' },
        ...{ amounts: { amount: '5' }, payment: { asset: ASSET } },
      },
    );
  });

  test('are JSON, with the fee of the network’s facilitator', async () => {
    expect(await answerOf('books', path)).toEqual({
      ...{ from: day, to: day },
      items: [
        { day, asset: ASSET, line: 'credit_liability', amount: '-5' },
        { day, asset: ASSET, line: 'credit_taken', count: 1, amount: '5' },
        { day, asset: ASSET, line: 'fees', count: 1, amount: '1000' },
        {
          ...{ day, asset: ASSET, line: 'revenue', tool: HOSTILE, payee: `0x${'0f'.repeat(20)}` },
          ...{ count: 1, amount: '20000' },
        },
        { day, asset: ASSET, line: 'settled', count: 1, amount: '20000' },
      ],
      as_of: expect.any(Number) as number,
    });
  });

  test('are CSV without formulas, whose pages are one file', async () => {
    let text = '';
    let next: string | undefined = '/admin/books?from=2027-01-01&to=2027-06-30&format=csv';
    while (next !== undefined) {
      const answer: Response = await ask('books', next);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
      text += await answer.text();
      next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('Link') ?? '')?.[1];
    }
    const lines = text.split('\r\n');
    expect(lines[0]).toBe('day,asset,line,tool,payee,count,amount');
    expect(lines.filter((line) => line.startsWith('day,'))).toHaveLength(1);
    expect(lines).toContain(`${day},${ASSET},credit_liability,,,,-5`);
    expect(lines).toContain(
      `${day},${ASSET},revenue,"'=HYPERLINK(""//evil"")",0x${'0f'.repeat(20)},1,20000`,
    );
    // Each later day repeats the liability.
    expect(lines.filter((line) => line.includes('credit_liability'))).toHaveLength(167);
  });

  test.each([
    ['a day after to', 'from=2027-01-16&to=2027-01-15', 'query.from'],
    ['more than a year', 'from=2026-01-14&to=2027-01-15', 'query.from'],
    ['no day', 'from=2027-02-30&to=2027-03-01', 'query.from'],
    ['no place', `from=${day}&to=${day}&after=eA`, 'query.after'],
    ['what it does not know', `from=${day}&limit=5`, 'query.limit'],
  ])('reject %s', async (_, query, field) => {
    const answer = await ask('books', `/admin/books?${query}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ field });
  });

  test('cover the last 30 days by default', async () => {
    expect(await answerOf('books', '/admin/books')).toMatchObject({ from: '2026-12-17', to: day });
  });
});
