import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { storeChunk } from '../../../src/audit/store.ts';
import type { Config } from '../../../src/config/config.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { watchPayees } from '../../../src/worker/scheduled.ts';
import { PROMISED_FOR, promised, promisedOpen } from '../../../src/settlement/promised.ts';
import { db, freshDatabase, messageOf } from '../audit/database.ts';
import { accepted, ALICE, committed, history, settled, START } from '../audit/history.ts';
import { KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { PAY_TO } from '../gateway/signing.ts';
import { manage } from '../../../src/management/router.ts';
import { answerOf, BASE, config, NOW, SEPOLIA, TIMES } from './operations-world.ts';
import { scriptedContext, signedRequest } from './scripted-context.ts';

const OLD = `0x${'0f'.repeat(20)}` as const;
const GONE = `0x${'ee'.repeat(20)}` as const;
const AUDIENCE = 'https://gw.example';
const FORMER_AUDIENCE = 'https://former.example';

beforeEach(async () => {
  await freshDatabase();
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
  network(KEY_ACCOUNT);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A call that was accepted for this payee at this audience. */
const sold = (call: number, at: number, payTo = OLD, audience: string = AUDIENCE): EntryBody => {
  const entry = accepted(call, at);
  return {
    ...entry,
    evidence: { ...entry.evidence, audience },
    payment: { ...entry.payment, payTo },
  };
};
const on = (account: AccountId, ...bodies: readonly EntryBody[]) =>
  messageOf(history(account, bodies)).then((message) => storeChunk(db, message, NOW));

describe('what calls were promised', () => {
  test('is counted by network, payee and audience, open payments of any age with their price', async () => {
    await on(
      ALICE,
      ...[sold(1, START), committed(1, START + 1), settled(1)],
      ...[sold(2, START + 10), committed(2, START + 11)],
      ...[sold(3, START + 20, PAY_TO, FORMER_AUDIENCE), committed(3, START + 21)],
      // This call still runs, so its payment is not open yet.
      sold(4, START + 30),
    );
    await on(`${BASE}:${GONE}`, sold(5, START + 40), committed(5, START + 41));
    const open = { open: 1, amount: 20_000n };
    const ofAlice = { network: SEPOLIA, payee: OLD, audience: AUDIENCE };
    const others = [
      { network: SEPOLIA, payee: PAY_TO, audience: FORMER_AUDIENCE, calls: 1, ...open },
      { network: BASE, payee: OLD, audience: AUDIENCE, calls: 1, ...open },
    ];
    const lately = await promised(db, NOW);
    expect(lately).toHaveLength(3);
    expect(lately).toEqual(
      expect.arrayContaining([
        { ...ofAlice, calls: 3, ...open, lastAt: START + 30 },
        { ...others[0], lastAt: START + 20 },
        { ...others[1], lastAt: START + 40 },
      ]),
    );
    // An hour later, only open payments remain, and each counts once.
    const later = await promised(db, START + 40 + PROMISED_FOR);
    expect(later).toHaveLength(3);
    expect(later).toEqual(
      expect.arrayContaining([{ ...ofAlice, calls: 1, ...open, lastAt: START + 10 }]),
    );
    expect(new Set(await promisedOpen(db))).toEqual(new Set(later));
  });

  test('reads open payments by their index, and others along the key', async () => {
    const plan = async (sql: string) => {
      const { results } = await db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all<{ detail: string }>();
      return results.map(({ detail }) => detail).filter((detail) => /calls/.test(detail));
    };
    const statements: string[] = [];
    const spy = {
      prepare: (sql: string) => {
        statements.push(sql);
        return db.prepare(sql);
      },
    } as unknown as D1Database;
    await promised(spy, NOW);
    await promisedOpen(spy);
    const [all = [], open = []] = await Promise.all(
      statements.map((sql) => plan(sql.replaceAll('?1', '0'))),
    );
    expect(open).toEqual([expect.stringContaining('USING INDEX calls_open')]);
    expect(all).toEqual([
      expect.stringMatching(/SEARCH calls USING PRIMARY KEY \(accepted_at>\?\)/),
      expect.stringContaining('USING INDEX calls_open (accepted_at<?)'),
    ]);
  });
});

describe('GET /admin/moving', () => {
  const moved: Config = {
    ...config,
    audiences: [AUDIENCE, FORMER_AUDIENCE],
    gateway: `${SEPOLIA}:${OLD}`,
    payees: new Map([
      [SEPOLIA, [PAY_TO, OLD]],
      [BASE, [OLD]],
    ]),
  };
  const ask = async () => {
    const { context } = await scriptedContext(moved);
    const request = await signedRequest(moved, 'moving', '/admin/moving', { fields: TIMES });
    const answer = await manage(context, request);
    expect(answer.status).toBe(200);
    return answer.json();
  };
  const nothing = { calls: 0, open_payments: 0, open_amount: '0' };

  test('lists configured values without a call, and others that have one', async () => {
    await on(
      ALICE,
      ...[sold(2, START + 10), committed(2, START + 11)],
      sold(3, START + 20, GONE, 'https://gone.example'),
    );
    const open = { calls: 1, open_payments: 1, open_amount: '20000' };
    const until = START + 10 + PROMISED_FOR;
    const gone = { ...nothing, calls: 1, until: until + 10 };
    const counted = ({ open_amount: _, ...counts }: typeof nothing) => counts;
    expect(await ask()).toEqual({
      gateway_account: `${SEPOLIA}:${OLD}`,
      payees: [
        { network: SEPOLIA, payee: PAY_TO, state: 'offered', ...nothing },
        { network: SEPOLIA, payee: OLD, state: 'former', ...open, until },
        { network: BASE, payee: OLD, state: 'former', ...nothing },
        { network: SEPOLIA, payee: GONE, state: 'unconfigured', ...gone },
      ],
      audiences: [
        // An audience serves several networks, and amounts in different tokens have no sum.
        { audience: AUDIENCE, state: 'offered', ...counted(open), until },
        { audience: FORMER_AUDIENCE, state: 'offered', ...counted(nothing) },
        {
          audience: 'https://gone.example',
          state: 'unconfigured',
          ...counted(gone),
          until: until + 10,
        },
      ],
      credits: [],
      as_of: NOW - 20,
    });
  });

  test('leaves the gateway’s account readable when its network is no longer configured', async () => {
    const keeper = `eip155:1:${GONE}` as const;
    const path = (account: AccountId) => `/accounts/${account}/tree`;
    const statusOf = async (account: AccountId) => {
      const kept: Config = { ...config, gateway: keeper };
      const { context } = await scriptedContext(kept);
      const more = { who: 'owner', fields: TIMES } as const;
      return (await manage(context, await signedRequest(kept, 'account.tree', path(account), more)))
        .status;
    };
    expect(await statusOf(keeper)).toBe(200);
    expect(await statusOf(`eip155:1:${OLD}`)).toBe(400);
  });

  test('lists credit by asset', async () => {
    const asset = `${BASE}/erc20:${GONE}`;
    await db
      .prepare("INSERT INTO credit_movements VALUES ('2027-01-01', ?, 'given', 1, 7000)")
      .bind(asset)
      .run();
    expect(await answerOf('moving', '/admin/moving')).toMatchObject({
      credits: [{ asset, amount: '7000' }],
    });
  });
});

describe('open payments to a payee that is not configured', () => {
  test('raise an alert each time, per payee, and none that is configured or settled', async () => {
    await on(
      ALICE,
      ...[sold(1, START), committed(1, START + 1), settled(1)],
      ...[sold(2, START + 10), committed(2, START + 11)],
      ...[sold(3, START + 20, GONE), committed(3, START + 21)],
      ...[sold(4, START + 30, GONE, FORMER_AUDIENCE), committed(4, START + 31)],
    );
    const raised: unknown[] = [];
    const watch = async (payees: Config['payees']) => {
      raised.length = 0;
      await watchPayees(db, { payees }, async (alert) => raised.push(alert) > 0);
      return raised;
    };
    const missing = (payee: string, payments: number, amount: string) => ({
      rule: 'payee_missing',
      detail: { network: SEPOLIA, payee, payments, amount },
    });
    expect(await watch(new Map([[SEPOLIA, [PAY_TO, OLD]]]))).toEqual([missing(GONE, 2, '40000')]);
    expect(await watch(new Map([[SEPOLIA, [PAY_TO, OLD]]]))).toHaveLength(1);
    expect(new Set(await watch(new Map([[BASE, [OLD, GONE]]])))).toEqual(
      new Set([missing(GONE, 2, '40000'), missing(OLD, 1, '20000')]),
    );
    expect(await watch(new Map([[SEPOLIA, [PAY_TO, OLD, GONE]]]))).toEqual([]);
  });
});
