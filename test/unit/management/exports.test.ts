import { storeChunk } from '../../../src/audit/store.ts';
import { verifyLog } from '../../support/verify-log.ts';
import type { Config } from '../../../src/config/config.ts';
import type { RouteId } from '../../../src/management/endpoint.ts';
import { manage } from '../../../src/management/router.ts';
import { db, freshDatabase, messageOf } from '../audit/database.ts';
import { accepted, ALICE, committed, history, settled, START, word } from '../audit/history.ts';
import { KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { addressOf, NOW, vectorConfig } from '../gateway/signing.ts';
import { scriptedContext, signedRequest } from './scripted-context.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { useVectorsClock } from '../../support/vectors-clock.ts';

const config: Config = { ...vectorConfig(), operators: [addressOf('owner')] };
const CALLS = 5;
const HOSTILE = '=HYPERLINK("//evil")';

useVectorsClock();
beforeEach(async () => {
  await freshDatabase();
  network(KEY_ACCOUNT);
});

const ask = async (id: RouteId, path: string) => {
  const { context } = await scriptedContext(config, {
    relation: async () => ({ verdict: 'found', relation: 'none', hasParent: false, exists: true }),
  });
  return manage(context, await signedRequest(config, id, path));
};

const nextOf = (answer: Response): string | undefined =>
  /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('Link') ?? '')?.[1];

/** All pages of a download, concatenated. */
const download = async (id: RouteId, path: string): Promise<string> => {
  let text = '';
  for (let next: string | undefined = path; next !== undefined;) {
    const answer = await ask(id, next);
    expect(answer.status).toBe(200);
    text += new TextDecoder().decode(await answer.arrayBuffer());
    next = nextOf(answer);
  }
  return text;
};

const store = async () => {
  const bodies = Array.from({ length: CALLS }, (_, at) =>
    [accepted, committed, settled].map((body) => ({
      ...body(at, START + at),
      tool: at === 2 ? HOSTILE : 'translate',
    })),
  ).flat();
  const entries = history(ALICE, bodies);
  const stored = await storeChunk(db, await messageOf(entries), NOW);
  expect(stored.ok).toBe(true);
  return entries;
};

const log = `/accounts/${ALICE}/entries`;
const calls = `/accounts/${ALICE}/calls`;

describe('an exported log', () => {
  it('is the hashed text: its pages verify as one log', async () => {
    const entries = await store();
    for (const limit of [1, 4, 500]) {
      const text = await download('account.entries', `${log}?format=ndjson&limit=${limit}`);
      const verified = verifyLog(text, { account: ALICE });
      expect(verified).toMatchObject({ ok: true, value: { first: 1, last: entries.length } });
    }
    const text = await download('account.entries', `${log}?format=ndjson`);
    expect(verifyLog(text.replace('"20000"', '"20001"'))).toMatchObject({ ok: false });
  });

  it('can be filtered as JSON, and links its next page', async () => {
    await store();
    const answer = await ask('account.entries', `${log}?type=payment.settled&limit=2`);
    const page = await answer.json<{ items: { type: string }[]; next: string }>();
    expect(page.items.map(({ type }) => type)).toEqual(['payment.settled', 'payment.settled']);
    expect(nextOf(answer)).toBe(`${log}?type=payment.settled&limit=2&after=${page.next}`);
  });
});

describe('exported calls', () => {
  it('have one header line and no formula', async () => {
    await store();
    for (const limit of [1, 2, 500]) {
      const text = await download('account.calls', `${calls}?format=csv&limit=${limit}`);
      const lines = text.trimEnd().split('\r\n');
      expect(lines).toHaveLength(1 + CALLS);
      expect(lines.filter((line) => line.startsWith('accepted_at,'))).toHaveLength(1);
      expect(text).toContain(`,"'=HYPERLINK(""//evil"")",`);
      expect(text).not.toMatch(/(^|,)"?=/m);
    }
    const answer = await ask('account.calls', `${calls}?format=csv`);
    expect(answer.headers.get('X-Content-Type-Options')).toBe('nosniff');
  });

  it('are the same as NDJSON and as pages', async () => {
    await store();
    const lines = (await download('account.calls', `${calls}?format=ndjson&limit=2`))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    const answer = await ask('account.calls', calls);
    const page = await answer.json<{ items: readonly unknown[] }>();
    expect(page.items).toEqual(lines);
    expect(page.items[0]).toMatchObject({
      ...{ account: ALICE, call: word(CALLS - 1), price: '20000', charged: '20000' },
      ...{ state: 'committed', paid_by: 'deferred', accepted_at: START + CALLS - 1 },
    });
  });

  it('of all accounts can be filtered by account, for operators', async () => {
    await store();
    const answer = await ask(
      'calls.list',
      `/admin/calls?account=${ALICE}&tool=translate&from=${START}`,
    );
    const { items } = await answer.json<{ items: readonly unknown[] }>();
    expect(items).toHaveLength(CALLS - 1);
  });

  it('accept a cursor of the same list only', async () => {
    await store();
    const answer = await ask('account.calls', `${calls}?after=bm9uc2Vuc2U`);
    expect([answer.status, (await answer.json<{ field: string }>()).field]).toEqual([
      400,
      'query.after',
    ]);
  });
});

describe('a payment', () => {
  it('is shown with its call and its entries', async () => {
    const entries = await store();
    const answer = await ask('settlements.get', `/admin/settlements/${ALICE}/${word(1)}`);
    expect(await answer.json()).toMatchObject({
      settlement: { state: 'settled', amount: '20000', transaction: word(2001), block: 123 },
      call: { call: word(1), state: 'committed' },
      entries: entries.filter(({ call }) => call === word(1)),
    });
    const none = await ask('settlements.get', `/admin/settlements/${ALICE}/${word(77)}`);
    expect(none.status).toBe(404);
  });
});
