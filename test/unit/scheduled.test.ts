import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { openOfferedGrants } from '../../src/audit/offered-grants.ts';
import type { AlertBody } from '../../src/protocol/alert.ts';
import { runScheduled, watchSize } from '../../src/scheduled.ts';
import { db, freshDatabase } from './audit/database.ts';
import { accountOf, START, word } from './audit/history.ts';
import { vectorConfig } from './gateway/signing.ts';

beforeEach(freshDatabase);

it('deletes expired offered grants', async () => {
  const offered = openOfferedGrants(db);
  const issuer = accountOf(1);
  await offered.keep({ hash: word(1), issuer, validUntil: START });
  await offered.keep({ hash: word(2), issuer, validUntil: START + 1 });
  // Without a node nothing is reconciled.
  await runScheduled(env, { ...vectorConfig(), rpcUrls: new Map() }, START);
  expect(await offered.issuerOf(word(1))).toBeUndefined();
  expect(await offered.issuerOf(word(2))).toBe(issuer);
});

const MAX = 1_000;

/** The real database, with this size in its answers. */
const sized = (size: number) =>
  ({
    prepare: (sql: string) => ({
      all: async () => {
        const { results, meta } = await db.prepare(sql).all();
        return { results, meta: { ...meta, size_after: size } };
      },
      bind: (...values: unknown[]) => db.prepare(sql).bind(...values),
    }),
  }) as unknown as D1Database;

/** A gateway that looks at one size after the other, and what it raises. */
const looking = (isDeaf = false) => {
  const alerts: AlertBody[] = [];
  return {
    alerts,
    percents: () => alerts.map(({ detail }) => detail['percent']),
    see: async (...sizes: readonly number[]) => {
      for (const size of sizes) {
        await watchSize(sized(size), MAX, async (alert) => {
          if (!isDeaf) alerts.push(alert);
          return !isDeaf;
        });
      }
    },
  };
};

describe('the size of the database', () => {
  it('raises an alert at 70 % and at 90 %, once each', async () => {
    const { alerts, percents, see } = looking();
    await see(100, 699);
    expect(alerts).toEqual([]);
    await see(700, 720, 899);
    expect(alerts).toEqual([{ rule: 'database_size', detail: { percent: 70, max: MAX } }]);
    await see(900, 950, 1_000);
    expect(percents()).toEqual([70, 90]);
  });

  it('raises both alerts if it grows past both between two checks', async () => {
    const { percents, see } = looking();
    await see(950);
    expect(percents()).toEqual([70, 90]);
  });

  it('does not raise again around a threshold, and does after it was well below', async () => {
    const { percents, see } = looking();
    await see(700, 690, 700, 650, 705);
    expect(percents()).toEqual([70]);
    await see(649, 700);
    expect(percents()).toEqual([70, 70]);
  });

  it('raises until the account has recorded the alert', async () => {
    await looking(true).see(800, 810);
    const { percents, see } = looking();
    await see(820, 830);
    expect(percents()).toEqual([70]);
  });

  it('is the size that D1 reports', async () => {
    const alerts: AlertBody[] = [];
    const raise = async (alert: AlertBody) => alerts.push(alert) > 0;
    const { meta } = await db.prepare('SELECT 1').all();
    await watchSize(db, Math.ceil(meta.size_after / 0.8), raise);
    expect(alerts.map(({ detail }) => detail['percent'])).toEqual([70]);
  });
});
