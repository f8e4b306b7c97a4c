import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { leafOf, leafText } from '../../../src/audit/log/leaf.ts';
import { logOrigin } from '../../../src/audit/log/log-key.ts';
import { openOfferedGrants } from '../../../src/audit/offered-grants.ts';
import type { AgentAccountRpc } from '../../../src/protocol/account/rpc.ts';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import type { AuditLogRpc } from '../../../src/protocol/audit-log-contract.ts';
import { runUpkeep, watchSize } from '../../../src/worker/scheduled.ts';
import { gatewayAccount } from '../../../src/config/config.ts';
import {
  bucket,
  count,
  DAY,
  freshArchive,
  MIDNIGHT,
  settledCalls,
} from '../audit/archive/archive-world.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { accountOf, START, word } from '../audit/history.ts';
import { vectorConfig } from '../gateway/signing.ts';

beforeEach(freshDatabase);

it('deletes expired offered grants', async () => {
  const offered = openOfferedGrants(db);
  const issuer = accountOf(1);
  await offered.keep({ hash: word(1), issuer, validUntil: START });
  await offered.keep({ hash: word(2), issuer, validUntil: START + 1 });
  // Without a node there is no reconciliation.
  await runUpkeep(env, { ...vectorConfig(), rpcUrls: new Map() }, START);
  expect(await offered.issuerOf(word(1))).toBeUndefined();
  expect(await offered.issuerOf(word(2))).toBe(issuer);
});

describe('the archive of a gateway with a bucket', () => {
  const NOW = MIDNIGHT + 3 * DAY;
  const config = { ...vectorConfig(), rpcUrls: new Map() };
  const recorded = async () => {
    const self: Pick<AgentAccountRpc, 'entries'> = env.AGENT_ACCOUNT.getByName(
      gatewayAccount(config),
    );
    const found = await self.entries(0, 0, 100);
    const entries = found.verdict === 'found' ? found.entries : [];
    return entries.flatMap(({ type, outcome }) => (type === 'archive.written' ? [outcome] : []));
  };

  beforeEach(freshArchive);

  it('names each object in the log of its account, once', async () => {
    await settledCalls(2);
    await runUpkeep(env, config, NOW);
    const objects = await bucket.list();
    const written = await recorded();
    expect(written).toEqual(
      objects.objects.map(({ key, size }) => ({
        ...{ name: key, bytes: size, entries: 6 },
        sha256: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      })),
    );
    expect(written.length).toBe(2);
    // Simulates a D1 that was restored to a time before it had the entry.
    await db.prepare('UPDATE archive_objects SET logged_at = NULL').run();
    await runUpkeep(env, config, NOW + 900);
    expect(await recorded()).toEqual(written);
  });

  it('is nothing without the bucket: D1 keeps everything', async () => {
    await settledCalls(2);
    await runUpkeep({ ...env, AUDIT_ARCHIVE: undefined as never }, config, NOW + 400 * DAY);
    expect((await bucket.list()).objects).toEqual([]);
    expect(await count('chunks')).toBe(8);
  });
});

it('raises database_behind for entries that the transparency log has and D1 lacks', async () => {
  const config = { ...vectorConfig(), rpcUrls: new Map() };
  const raised: unknown[] = [];
  const account = accountOf(5);
  const leaf = leafText(leafOf(account, { seq: 4, prev: word(3) }, [word(4), word(5)]));
  const named: string[] = [];
  const log: Pick<AuditLogRpc, 'status' | 'leaves'> = {
    status: async () => ({ size: 1, signed: 1, signers: [] }),
    leaves: async () => ({ size: 1, leaves: [{ index: 0, text: leaf }] }),
  };
  const apply: AgentAccountRpc['apply'] = async (command) => {
    if (command.kind === 'alert') raised.push(command.alert);
    return { verdict: 'unavailable' };
  };
  const around = {
    ...env,
    LOG_KEY: 'a key',
    AUDIT_LOG: { getByName: (name: string) => (named.push(name), log) } as never,
    AGENT_ACCOUNT: { getByName: () => ({ apply }) } as never,
  } as Env;
  await runUpkeep(around, config, START);
  expect(raised).toEqual([
    { rule: 'database_behind', detail: { account, from: 1, to: 5, accounts: 1 } },
  ]);
  expect(named).toEqual([logOrigin(config.audiences[0], START)]);
  await runUpkeep({ ...around, LOG_KEY: '' } as Env, config, START);
  expect(raised).toHaveLength(1);
});

const MAX = 1_000;

/** The real database, whose answers report this size. */
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

/** A gateway that reads one database size after the other, and the alerts that it raises. */
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
