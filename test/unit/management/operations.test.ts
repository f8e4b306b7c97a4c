import { storeChunk } from '../../../src/audit/store.ts';
import type { Config } from '../../../src/config.ts';
import type { Address } from '../../../src/core/hex.ts';
import type { AdminContext } from '../../../src/management/handler.ts';
import { manage } from '../../../src/management/router.ts';
import { ROUTE_TABLE, type RouteId } from '../../../src/management/routes.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import type { RelayerStatus } from '../../../src/protocol/relayer-contract.ts';
import { recordDeadLetters } from '../../../src/settlement/dead-letter.ts';
import { attemptsIn } from '../../../src/settlement/operator-tables.ts';
import { db, freshDatabase, messageOf } from '../audit/database.ts';
import { accepted, ALICE, committed, history, settled, START, word } from '../audit/history.ts';
import { KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { addressOf, vectorConfig } from '../gateway/signing.ts';
import { scriptedContext, signedRequest } from './scripted-context.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const BASE = 'eip155:8453';
const SEPOLIA = 'eip155:84532';
const ASSET = `${SEPOLIA}/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e`;
const NOW = START + 600;
const TIMES = { validAfter: BigInt(NOW - 10), validBefore: BigInt(NOW + 200) };
const RELAYER: Address = `0x${'4e'.repeat(20)}`;
const SETTING = {
  ...{ address: RELAYER, batch: 100, wait: 2, maxFeePerGas: 1n, first: true },
} as const;
const config: Config = {
  ...vectorConfig(),
  operators: [addressOf('owner')],
  relayers: new Map([
    [SEPOLIA, SETTING],
    [BASE, SETTING],
  ]),
  facilitators: [
    { url: 'https://other.example', networks: [BASE], auth: 'none', concurrency: 4, fee: 9n },
    { url: 'https://x402.example', auth: 'none', concurrency: 4, fee: 1_000n },
  ],
};

beforeEach(async () => {
  await freshDatabase();
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
  network(KEY_ACCOUNT);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const ask = async (
  id: RouteId,
  path: string,
  more: Partial<AdminContext> = {},
): Promise<Response> => {
  const { context } = await scriptedContext(config);
  return manage({ ...context, ...more }, await signedRequest(config, id, path, { fields: TIMES }));
};

/** The JSON of an answer, checked by its schema. */
const told = async <Id extends RouteId>(id: Id, path: string, more: Partial<AdminContext> = {}) => {
  const answer = await ask(id, path, more);
  expect(answer.status).toBe(200);
  return ROUTE_TABLE[id].answer.parse(await answer.json()) as Record<string, unknown>;
};

const happened = async (...bodies: readonly EntryBody[]) =>
  storeChunk(db, await messageOf(history(ALICE, bodies)), NOW);

describe('payments', () => {
  beforeEach(async () => {
    await happened(
      ...[accepted(1), committed(1), settled(1)],
      ...[accepted(2, START + 100), committed(2, START + 101)],
      ...[accepted(3, START + 200), committed(3, START + 201)],
    );
    await attemptsIn(db).record([
      {
        ...{ account: ALICE, call: word(2), attempts: 4, backend: 'x402.example' },
        ...{ error: 'timeout', at: START + 300 },
      },
    ]);
  });

  const trouble = {
    ...{ state: 'open', age: 500, attempts: 4, backend: 'x402.example' },
    ...{ last_error: 'timeout', last_error_at: START + 300 },
  };

  test.each(['', '?state=open', `?account=${ALICE}`, `?account=${ALICE}&state=open`])(
    'in the list%s say how long, how often, by whom and why',
    async (query) => {
      const { items } = await told('settlements.list', `/admin/settlements${query}`);
      const [third, second, ...rest] = items as readonly object[];
      expect(third).toMatchObject({ call: word(3), state: 'open', age: 400 });
      expect(third).not.toHaveProperty('attempts');
      expect(second).toMatchObject({ call: word(2), ...trouble });
      if (rest.length > 0) expect(rest[0]).not.toHaveProperty('age');
    },
  );

  test('have their dead letters in their story', async () => {
    const letter = { queue: 'countersign-settlement-dead', body: '{}', account: ALICE };
    await recordDeadLetters(db, [
      { ...letter, id: 'a/1', call: word(2), at: START + 350, reason: 'retries exhausted' },
      { ...letter, id: 'a/2', call: word(2), at: START + 400, reason: 'again' },
      { ...letter, id: 'a/3', call: word(3), at: START + 400, reason: 'of another' },
    ]);
    const story = await told('settlements.get', `/admin/settlements/${ALICE}/${word(2)}`);
    expect(story).toMatchObject({ settlement: trouble });
    // The ids of the list, so that a client can redrive them.
    const { items } = await told('deadletters.list', '/admin/dead-letters');
    const own = (items as readonly { call: string }[]).filter(({ call }) => call === word(2));
    expect(own).toHaveLength(2);
    expect(story['dead_letters']).toEqual(own);
    const settledOne = await told('settlements.get', `/admin/settlements/${ALICE}/${word(1)}`);
    expect(settledOne).toMatchObject({ settlement: { state: 'settled' }, dead_letters: [] });
  });
});

test('lists backends as the isolate that wrote last saw them', async () => {
  expect(await told('backends', '/admin/backends')).toEqual({ items: [] });
  await db.batch([
    db
      .prepare("INSERT INTO backends VALUES (?, 'x402.example', 'open', 90, 7, 'timeout', 5, 6)")
      .bind(SEPOLIA),
    db
      .prepare("INSERT INTO backends VALUES (?, 'relayer', 'closed', 12, 0, NULL, NULL, 8)")
      .bind(BASE),
  ]);
  expect(await told('backends', '/admin/backends')).toEqual({
    items: [
      {
        ...{ network: BASE, backend: 'relayer', state: 'closed', succeeded: 12, failed: 0, at: 8 },
      },
      {
        ...{ network: SEPOLIA, backend: 'x402.example', state: 'open', succeeded: 90, failed: 7 },
        ...{ last_error: 'timeout', last_error_at: 5, at: 6 },
      },
    ].toSorted((a, b) => (a.network < b.network ? -1 : 1)),
  });
});

describe('relayers', () => {
  const status: RelayerStatus = {
    ...{ verdict: 'found', network: SEPOLIA, address: SETTING.address },
    ...{ balance: '1000000000000000000', balanceAt: 5, covers: 90_000, waiting: 3, oldestAt: 4 },
    flights: [
      {
        ...{ nonce: 7, hashes: [word(1), word(2)], payments: 20, maxFeePerGas: '9', sentAt: 6 },
        block: 70,
      },
    ],
    totals: {
      transactions: 4,
      payments: 61,
      replaced: 1,
      gasUsed: '999',
      fees: '12345678901234567890',
    },
    lastError: { at: 3, text: 'insufficient_gas' },
  };
  const relayer = (answers: Readonly<Record<string, () => Promise<RelayerStatus>>>) => ({
    relayer: (on: string) => ({
      status: answers[on] ?? (async () => ({ verdict: 'unconfigured' as const })),
    }),
  });

  test('report the payments that their balance covers, and their waiting ones', async () => {
    expect(
      await told('relayers', '/admin/relayers', relayer({ [SEPOLIA]: async () => status })),
    ).toEqual({
      items: [
        {
          ...{ network: SEPOLIA, state: 'ready', address: SETTING.address, covers: 90_000 },
          ...{ balance: '1000000000000000000', balance_at: 5, waiting: 3, oldest_at: 4 },
          flights: [
            {
              ...{ nonce: 7, hashes: [word(1), word(2)], payments: 20 },
              ...{ max_fee_per_gas: '9', sent_at: 6, block: 70 },
            },
          ],
          totals: {
            ...{ transactions: 4, payments: 61, replaced: 1 },
            ...{ gas_used: '999', fees: '12345678901234567890' },
          },
          last_error: { at: 3, text: 'insufficient_gas' },
        },
        { network: BASE, state: 'unconfigured' },
      ],
    });
  });

  test('list the others if one does not answer', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const answers = relayer({
      [SEPOLIA]: async () => {
        throw new Error('reset');
      },
      [BASE]: async () => status,
    });
    const { items } = await told('relayers', '/admin/relayers', answers);
    expect(items).toMatchObject([
      { network: SEPOLIA, state: 'unavailable' },
      { network: BASE, state: 'ready' },
    ]);
    vi.restoreAllMocks();
  });

  test('list the others if one never answers', async () => {
    const later = globalThis.setTimeout;
    vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const { context } = await scriptedContext(config);
    const request = await signedRequest(config, 'relayers', '/admin/relayers', {
      fields: TIMES,
    });
    const asked: string[] = [];
    const answer = manage(
      {
        ...context,
        relayer: (on) => ({
          status: () => {
            asked.push(on);
            return new Promise(() => undefined);
          },
        }),
      },
      request,
    );
    while (asked.length < 2) await new Promise((resolve) => later(resolve, 1));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await (await answer).json()).toEqual({
      items: [SEPOLIA, BASE].map((on) => ({ network: on, state: 'unavailable' })),
    });
  });
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
    expect(await told('books', path)).toEqual({
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
    // The liability repeats on each later day.
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
    expect(await told('books', '/admin/books')).toMatchObject({ from: '2026-12-17', to: day });
  });
});
