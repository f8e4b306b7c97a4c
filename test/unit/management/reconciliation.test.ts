import type { Config } from '../../../src/config/config.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { listDifferences, listReconciliations } from '../../../src/management/reconciliation.ts';
import { manage } from '../../../src/management/router.ts';
import { ROUTE_TABLE } from '../../../src/management/routes.ts';
import { type Run, saveRun } from '../../../src/settlement/sweep/cursor.ts';
import { saveFindings } from '../../../src/settlement/sweep/difference-table.ts';
import type { Difference } from '../../../src/settlement/sweep/difference.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { ALICE, word } from '../audit/history.ts';
import { KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { addressOf, NOW, vectorConfig } from '../gateway/signing.ts';
import { scriptedContext, signedRequest } from './scripted-context.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { useVectorsClock } from '../../support/vectors-clock.ts';

const config: Config = { ...vectorConfig(), operators: [addressOf('owner')] };
const NETWORK = 'eip155:84532';

useVectorsClock();
beforeEach(async () => {
  await freshDatabase();
  network(KEY_ACCOUNT);
});

const run = (at: number, changes: Partial<Run> = {}): Run => ({
  ...{ at, network: NETWORK, kind: 'new', state: 'complete', from: 1, to: 9, differences: 2 },
  chain: { payments: 2, amount: 30n },
  // A sum above the largest safe integer.
  ledger: { payments: 3, amount: 2n ** 60n },
  ...changes,
});

const difference = (seed: number, changes: Partial<Difference> = {}): Difference => ({
  ...{ network: NETWORK, subject: word(seed), kind: 'unrecorded', informational: false },
  ...{ account: ALICE, call: word(seed), transaction: word(seed + 100), block: seed, chain: 30n },
  ledger: 'released',
  ...changes,
});

const keep = (at: number, ...all: readonly Difference[]) =>
  db.batch([
    ...saveFindings(
      db,
      NETWORK,
      { from: 1_000, to: 1_000 },
      { differences: all, undecided: [] },
      at,
    ),
  ]);

const get = async (id: 'reconciliations.list' | 'differences.list', query = '') => {
  const { context } = await scriptedContext(config);
  const path = `/admin/${id.split('.')[0]}${query}`;
  const answer = await manage(context, await signedRequest(config, id, path));
  expect(answer.status, await answer.clone().text()).toBe(200);
  const body: unknown = await answer.json();
  return ROUTE_TABLE[id].answer.parse(body) as { items: Record<string, unknown>[]; next?: string };
};

describe('reconciliation runs', () => {
  it('are listed newest first, with the sums of both sides', async () => {
    await db.batch([saveRun(db, run(NOW)), saveRun(db, run(NOW + 900, { kind: 'again' }))]);
    expect((await get('reconciliations.list')).items).toEqual([
      {
        ...{ at: NOW + 900, network: NETWORK, kind: 'again', state: 'complete' },
        ...{ from_block: 1, to_block: 9, differences: 2 },
        chain: { payments: 2, amount: '30' },
        ledger: { payments: 3, amount: '1152921504606846976' },
      },
      expect.objectContaining({ at: NOW, kind: 'new' }),
    ]);
  });

  it('are listed in pages without overlap', async () => {
    for (let at = 0; at < 5; at += 1) {
      await db.batch([saveRun(db, run(NOW + at)), saveRun(db, run(NOW + at, { kind: 'again' }))]);
    }
    const seen: string[] = [];
    for (let after = ''; ;) {
      const page = await get('reconciliations.list', `?limit=3${after}`);
      seen.push(...page.items.map(({ at, kind }) => `${Number(at) - NOW} ${String(kind)}`));
      if (page.next === undefined) break;
      after = `&after=${page.next}`;
    }
    expect(seen).toEqual([4, 3, 2, 1, 0].flatMap((at) => [`${at} new`, `${at} again`]));
  });

  it('can be filtered by network', async () => {
    await db.batch([saveRun(db, run(NOW)), saveRun(db, run(NOW, { network: 'eip155:8453' }))]);
    const query = '?network=eip155%3A8453';
    expect((await get('reconciliations.list', query)).items).toMatchObject([
      { network: 'eip155:8453' },
    ]);
  });
});

describe('differences', () => {
  it('are listed with both sides, open ones by default', async () => {
    await keep(NOW, difference(1), difference(2, { chain: 2n ** 200n }));
    await keep(
      NOW + 5,
      difference(3, {
        ...{ kind: 'amount', ledger: 'settled', ledgerAmount: 7n, ledgerBlock: 3 },
        ledgerTransaction: word(9),
      }),
    );
    await db
      .prepare('UPDATE differences SET resolved_at = ?1 WHERE block = 2')
      .bind(NOW + 9)
      .run();
    const amount: unknown = {
      ...{ network: NETWORK, kind: 'amount', informational: false, account: ALICE },
      ...{ call: word(3), transaction: word(103), block: 3, amount: '30' },
      ledger: { state: 'settled', amount: '7', transaction: word(9), block: 3 },
      ...{ first_at: NOW + 5, seen_at: NOW + 5 },
    };
    const open = expect.objectContaining({
      call: word(1),
      ledger: { state: 'released' },
    }) as unknown;
    expect((await get('differences.list')).items).toEqual([amount, open]);
    expect((await get('differences.list', '?state=open')).items).toEqual([amount, open]);
    expect((await get('differences.list', '?state=resolved')).items).toMatchObject([
      { call: word(2), amount: (2n ** 200n).toString(), resolved_at: NOW + 9 },
    ]);
    expect((await get('differences.list', '?state=all')).items).toHaveLength(3);
    expect((await get('differences.list', '?network=eip155%3A1')).items).toEqual([]);
  });

  it('that are informational have the sender and no call', async () => {
    const subject = `${word(5)}:7`;
    const { call: _, ...gift } = difference(5, { subject, kind: 'unsolicited', log: 7 });
    await keep(NOW, { ...gift, informational: true, ledger: 'absent' });
    const [item] = (await get('differences.list')).items;
    expect(item).toMatchObject({ informational: true, log: 7, ledger: { state: 'absent' } });
    expect(item).not.toHaveProperty('call');
  });

  it('reject an unknown state or network', async () => {
    const { context } = await scriptedContext(config);
    for (const query of ['?state=closed', '?network=base', '?network=eip155%3A01']) {
      const request = await signedRequest(config, 'differences.list', `/admin/differences${query}`);
      expect((await manage(context, request)).status, query).toBe(400);
    }
  });

  it('accept a cursor of their own list only', async () => {
    const nonces: readonly Hex[] = [word(1), word(2), word(3)];
    await keep(NOW, ...nonces.map((_, at) => difference(at)));
    await db.batch([saveRun(db, run(NOW)), saveRun(db, run(NOW + 1))]);
    const page = await listDifferences(db, { limit: 2 });
    const runs = await listReconciliations(db, { limit: 1 });
    if (!page.ok || !runs.ok) throw new Error('no page');
    expect(page.value.items).toHaveLength(2);
    const rest = await listDifferences(db, { limit: 2, after: page.value.next });
    expect(rest).toMatchObject({ ok: true, value: { items: [{ subject: word(0) }] } });
    expect(await listDifferences(db, { limit: 2, after: runs.value.next })).toMatchObject({
      ok: false,
      error: { kind: 'bad_cursor' },
    });
  });
});
