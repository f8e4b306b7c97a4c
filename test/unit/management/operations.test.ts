import { loadRebuild } from '../../../src/audit/rebuild/rebuild-state.ts';
import { manage } from '../../../src/management/router.ts';
import { listSettlements } from '../../../src/management/settlement-list.ts';
import type { LookUpVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { RelayerStatus } from '../../../src/protocol/relayer-contract.ts';
import { recordDeadLetters } from '../../../src/settlement/dead-letter.ts';
import { attemptsIn } from '../../../src/settlement/operator-tables.ts';
import { planOf, watched } from '../../scale/watch.ts';
import { TRACE_ID } from '../../support/fake-tracing.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { accepted, ALICE, committed, settled, START, word } from '../audit/history.ts';
import { KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { scriptedContext, signedRequest } from './scripted-context.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  NOW,
  SEPOLIA,
  BASE,
  RELAYER,
  answerOf,
  ask,
  happened,
  config,
  TIMES,
} from './operations-world.ts';

beforeEach(async () => {
  await freshDatabase();
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
  network(KEY_ACCOUNT);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('what was earned is reported of all accounts together only', async () => {
  await happened(accepted(1), committed(1), settled(1));
  const earned = async (query: string): Promise<readonly unknown[]> => {
    const { items } = await answerOf('spend', `/admin/spend?${query}`);
    return (items as readonly { readonly earned?: string }[]).map((item) => item.earned);
  };
  expect(await earned('by=day')).toEqual(['20000']);
  expect(await earned('by=tool&and=day')).toEqual(['20000']);
  // The rows of a single account have no share of it, so 0 would be wrong.
  expect(await earned('by=account')).toEqual([undefined]);
  expect(await earned(`by=day&account=${ALICE}`)).toEqual([undefined]);
});

test('a rebuild is refused while the gateway takes calls, and begins at a paused one', async () => {
  const path = '/admin/audit/rebuild';
  const rebuild = async (paused: boolean): Promise<Response> => {
    const of = { ...config, paused };
    const { context } = await scriptedContext(of);
    const parts = { fields: TIMES, body: {} };
    return await manage(context, await signedRequest(of, 'audit.rebuild', path, parts));
  };
  const refused = await rebuild(false);
  expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining('PAUSED')]);
  expect(await loadRebuild(db)).toBeUndefined();
  expect((await rebuild(true)).status).toBe(200);
});

describe('payments', () => {
  beforeEach(async () => {
    await happened(
      ...[accepted(1), committed(1), settled(1)],
      ...[accepted(2, START + 100), committed(2, START + 101)],
      ...[accepted(3, START + 200), committed(3, START + 201)],
    );
    const attempts = [
      { attempts: 3, backend: 'other.example', error: 'status_503', at: START + 290 },
      { attempts: 4, backend: 'x402.example', error: 'timeout', at: START + 300 },
    ].map((each) => ({ account: ALICE, call: word(2), ...each }));
    await attemptsIn(db).record(attempts);
    // D1 may store an attempt after the payment has ended.
    await attemptsIn(db).record([{ account: ALICE, call: word(1), attempts: 1, at: START + 9 }]);
  });

  const trouble = {
    ...{ state: 'open', age: 500, attempts: 4, backend: 'x402.example' },
    ...{ last_error: 'timeout', last_error_at: START + 300 },
  };

  test.each(['', '?state=open', `?account=${ALICE}`, `?account=${ALICE}&state=open`])(
    'in the list%s say how long, how often, by whom and why',
    async (query) => {
      const { items } = await answerOf('settlements.list', `/admin/settlements${query}`);
      const [third, second, ...rest] = items as readonly object[];
      expect(third).toMatchObject({ call: word(3), state: 'open', age: 400 });
      expect(third).not.toHaveProperty('attempts');
      expect(second).toMatchObject({ call: word(2), ...trouble });
      expect(items).toHaveLength(query.includes('state') ? 2 : 3);
      if (rest.length > 0) {
        expect(rest[0]).toMatchObject({ call: word(1), state: 'settled' });
        expect(rest[0]).not.toHaveProperty('age');
        expect(rest[0]).not.toHaveProperty('attempts');
      }
    },
  );

  test.each(['state=open&endedFrom=1', 'endedTo=9', 'state=failed&endedFrom=1&to=9'])(
    'are not listed by times that their list does not have: %s',
    async (query) => {
      const answer = await ask('settlements.list', `/admin/settlements?${query}`);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ field: 'query.endedFrom' });
    },
  );

  test('are shown as open with their call until they end', async () => {
    const of = async (call: number): Promise<unknown> =>
      (await answerOf('account.call', `/accounts/${ALICE}/calls/${word(call)}`))['settlement'];
    expect(await of(2)).toMatchObject({ state: 'open', age: 500 });
    expect(await of(1)).toMatchObject({ state: 'settled' });
  });

  test('have the trace of their call as long as the account knows it', async () => {
    const path = `/accounts/${ALICE}/calls/${word(1)}`;
    const traceFrom = async (lookUp: () => Promise<LookUpVerdict>): Promise<unknown> => {
      const { context, asked } = await scriptedContext(config, { lookUp });
      const account = { account: context.account };
      const { trace } = await answerOf('account.call', path, account);
      expect(asked.at(-1)).toEqual({
        ...{ asked: 'lookUp', of: ALICE, question: { account: ALICE, call: word(1) } },
      });
      return trace;
    };
    const found = (trace?: string) => async () =>
      ({ verdict: 'found', status: { trace } }) as LookUpVerdict;
    expect(await traceFrom(found(TRACE_ID))).toBe(TRACE_ID);
    expect(await traceFrom(found('no id'))).toBeUndefined();
    expect(await traceFrom(found())).toBeUndefined();
    expect(await traceFrom(async () => ({ verdict: 'unknown_call' }))).toBeUndefined();
    const quiet = vi.spyOn(console, 'error').mockReturnValue();
    expect(await traceFrom(async () => Promise.reject(new Error('away')))).toBeUndefined();
    expect(quiet).toHaveBeenCalledOnce();
    quiet.mockRestore();
  });

  test('have each attempt that met trouble in their story, newest first', async () => {
    const attemptsOf = async (call: number): Promise<unknown> =>
      (await answerOf('settlements.get', `/admin/settlements/${ALICE}/${word(call)}`))['attempts'];
    expect(await attemptsOf(2)).toEqual([
      { attempt: 4, backend: 'x402.example', error: 'timeout', at: START + 300 },
      { attempt: 3, backend: 'other.example', error: 'status_503', at: START + 290 },
    ]);
    expect(await attemptsOf(3)).toEqual([]);
  });

  test('find their newest attempt by the primary key', async () => {
    for (const filter of [{}, { state: 'open' }, { account: ALICE }] as const) {
      const { db: recording, seen } = watched(db);
      expect((await listSettlements(recording, { ...filter, limit: 9 })).ok).toBe(true);
      const plans = await Promise.all(seen.map(async (each) => planOf(db, each)));
      const steps = plans.flat().filter((step) => / (t|n) /.test(step));
      expect(steps).toEqual([
        expect.stringMatching(
          /^SEARCH t USING PRIMARY KEY \(account=\? AND call=\? AND attempt=\?\)/,
        ),
        expect.stringMatching(/^SEARCH n USING PRIMARY KEY \(account=\? AND call=\?\)/),
      ]);
    }
  });

  test('have their dead letters in their story', async () => {
    const letter = { queue: 'countersign-settlement-dead', body: '{}', account: ALICE };
    await recordDeadLetters(db, [
      { ...letter, id: 'a/1', call: word(2), at: START + 350, reason: 'retries exhausted' },
      { ...letter, id: 'a/2', call: word(2), at: START + 400, reason: 'again' },
      { ...letter, id: 'a/3', call: word(3), at: START + 400, reason: 'of another' },
    ]);
    const story = await answerOf('settlements.get', `/admin/settlements/${ALICE}/${word(2)}`);
    expect(story).toMatchObject({ settlement: trouble });
    // The ids are those of the list, so that a client can redrive the letters.
    const { items } = await answerOf('deadletters.list', '/admin/dead-letters');
    const own = (items as readonly { call: string }[]).filter(({ call }) => call === word(2));
    expect(own).toHaveLength(2);
    expect(story['dead_letters']).toEqual(own);
    const settledOne = await answerOf('settlements.get', `/admin/settlements/${ALICE}/${word(1)}`);
    expect(settledOne).toMatchObject({ settlement: { state: 'settled' }, dead_letters: [] });
  });
});

test('lists backends as the isolate that wrote last saw them', async () => {
  expect(await answerOf('backends', '/admin/backends')).toEqual({ items: [] });
  await db.batch([
    db
      .prepare("INSERT INTO backends VALUES (?, 'x402.example', 'open', 90, 7, 'timeout', 5, 6)")
      .bind(SEPOLIA),
    db
      .prepare("INSERT INTO backends VALUES (?, 'relayer', 'closed', 12, 0, NULL, NULL, 8)")
      .bind(BASE),
  ]);
  expect(await answerOf('backends', '/admin/backends')).toEqual({
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
    ...{ verdict: 'found', network: SEPOLIA, address: RELAYER },
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
      await answerOf(
        'relayers',
        '/admin/relayers',
        relayer({ [`${SEPOLIA}:${RELAYER}`]: async () => status }),
      ),
    ).toEqual({
      items: [
        {
          ...{ network: SEPOLIA, state: 'ready', address: RELAYER, covers: 90_000 },
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
        { network: BASE, address: RELAYER, state: 'unconfigured' },
      ],
    });
  });

  test('list the others if one does not answer', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const answers = relayer({
      [`${SEPOLIA}:${RELAYER}`]: async () => {
        throw new Error('reset');
      },
      [`${BASE}:${RELAYER}`]: async () => status,
    });
    const { items } = await answerOf('relayers', '/admin/relayers', answers);
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
    const networks: string[] = [];
    const answer = manage(
      {
        ...context,
        relayer: (on) => ({
          status: () => {
            networks.push(on);
            return new Promise(() => undefined);
          },
        }),
      },
      request,
    );
    while (networks.length < 2) await new Promise((resolve) => later(resolve, 1));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await (await answer).json()).toEqual({
      items: [SEPOLIA, BASE].map((on) => ({ network: on, address: RELAYER, state: 'unavailable' })),
    });
  });
});
