import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { type Config, gatewayAccount } from '../../../src/config/config.ts';
import type { AgentAccountRpc } from '../../../src/protocol/account/rpc.ts';
import { type AlertBody, OUTAGE_RULES, severityOf } from '../../../src/protocol/alert.ts';
import { listOutages } from '../../../src/management/outage.ts';
import { onBatch } from '../../../src/worker/queues.ts';
import { beginCron, cronOutage, noticeMissedCron } from '../../../src/outages/cron.ts';
import { recordOutages } from '../../../src/outages/record-outages.ts';
import { upstreamOutages } from '../../../src/outages/upstreams.ts';
import { watchOutages } from '../../../src/worker/watch-outages.ts';
import { nowSeconds } from '../../../src/core/clock.ts';
import { configOf } from '../../support/deployed.ts';
import { db, freshDatabase } from '../audit/database.ts';

beforeEach(freshDatabase);

/** An address at which nothing listens. */
const STOPPED = 'http://127.0.0.1:1' as const;
const ON = 'eip155:84532';
const START = 1_800_000_000;

/** The test gateway's configuration, with a real chain and a real facilitator. */
const working = (): Config => {
  const config = configOf(env as Env);
  if (!config.ok) throw new Error('no configuration');
  return config.value;
};

/** A gateway that checks for outages, and the alerts that it raises in its own account. */
const watcher = (more: object = {}) => {
  const raised: AlertBody[] = [];
  const accounts = new Set<string>();
  const apply: AgentAccountRpc['apply'] = async (command) => {
    if (command.kind === 'alert') raised.push(command.alert);
    return { verdict: 'applied', changed: true, told: [], silent: [] } as never;
  };
  const around = {
    ...env,
    AGENT_ACCOUNT: { getByName: (name: string) => (accounts.add(name), { apply }) },
    ...more,
  } as unknown as Env;
  return {
    around,
    accounts,
    kinds: () => raised.map(({ rule, detail }) => [rule, detail['kind']]),
    raised,
    look: async (config: Config, now: number) => watchOutages(around, config, now),
  };
};

const shown = async (now = START) => {
  const listed = await listOutages(db, now);
  return listed.ok ? listed.value : [];
};

describe('an outage', () => {
  it('is not found while chain, facilitator, tools and queues work', async () => {
    const { look, raised } = watcher();
    await look(working(), START);
    await look(working(), START + 60);
    expect(raised).toEqual([]);
    expect(await shown()).toEqual([]);
  });

  it('of the chain raises an alert at the second check, and ends when the chain answers', async () => {
    const { look, raised, kinds, accounts } = watcher();
    const dead: Config = { ...working(), rpcUrls: new Map([[ON, [STOPPED]]]) };
    await look(dead, START);
    expect(kinds()).toEqual([]);
    await look(dead, START + 60);
    await look(dead, START + 120);
    expect(raised).toEqual([
      { rule: 'chain_stuck', detail: { since: START, network: ON, kind: 'silent' } },
    ]);
    expect([...accounts]).toEqual([gatewayAccount(working())]);
    expect(await shown()).toEqual([
      {
        ...{ rule: 'chain_stuck', severity: 'critical', since: START },
        title: 'The chain does not answer',
        what: expect.stringContaining(`No node of ${ON} has answered since`),
        next: expect.stringContaining('RPC_URLS'),
      },
    ]);
    await look(working(), START + 180);
    expect(kinds()).toEqual([
      ['chain_stuck', 'silent'],
      ['chain_stuck', 'ended'],
    ]);
    expect(await shown()).toEqual([]);
  });

  it('of a public chain raises an alert if the newest block is older than two minutes', async () => {
    const { look, kinds } = watcher();
    const later = nowSeconds() + 3_600;
    await look({ ...working(), reach: 'public' }, later);
    await look({ ...working(), reach: 'public' }, later + 60);
    expect(kinds()).toEqual([['chain_stuck', 'old']]);
  });

  it('of a facilitator says whether another backend settles, and ends', async () => {
    const alone = watcher();
    const [facilitator] = working().facilitators;
    if (facilitator === undefined) throw new Error('no facilitator');
    const gone: Config = { ...working(), facilitators: [{ ...facilitator, url: STOPPED }] };
    for (const at of [0, 60, 120]) await alone.look(gone, START + at);
    expect(alone.raised).toEqual([
      {
        rule: 'facilitator_away',
        detail: {
          ...{ since: START, network: ON, backend: '127.0.0.1:1', kind: 'alone' },
          error: 'no_answer',
        },
      },
    ]);
    expect(await shown()).toMatchObject([{ severity: 'critical' }]);
    await alone.look(working(), START + 180);
    expect(alone.kinds().at(-1)).toEqual(['facilitator_away', 'ended']);

    const others = watcher();
    const two: Config = { ...gone, facilitators: [...gone.facilitators, facilitator] };
    for (const at of [0, 60]) await others.look(two, START + at);
    expect(others.kinds()).toEqual([['facilitator_away', 'others']]);
    expect(await shown()).toMatchObject([{ severity: 'warning' }]);
  });

  it('of a backend whose payments fail is raised although it answers', async () => {
    const { look, kinds } = watcher();
    const { host } = new URL(inject('facilitator'));
    const state = db.prepare(
      `INSERT OR REPLACE INTO backends VALUES (?1, '${host}', ?2, 0, 9, 'timeout', ?3, ?3)`,
    );
    await state.bind(ON, 'open', START).run();
    const dropped = "INSERT INTO backends VALUES (?1, 'dropped.example', 'open', 0, 9, '', ?2, ?2)";
    await db.prepare(dropped).bind(ON, START).run();
    for (const at of [0, 60]) await look(working(), START + at);
    await state.bind(ON, 'closed', START + 100).run();
    await look(working(), START + 120);
    expect(kinds()).toEqual([
      ['facilitator_away', 'alone'],
      ['facilitator_away', 'ended'],
    ]);
  });

  /** A finished call of the tool `lookup`. */
  const call = (at: number, success: 0 | 1) =>
    db
      .prepare(
        `INSERT INTO calls (accepted_at, account, call, first_seq, segment, seq, tool, state, success, status, ended_at)
         VALUES (?1, 'a', ?2, 1, 0, 2, 'lookup', ?3, ?4, ?5, ?1)`,
      )
      .bind(
        ...[at, crypto.randomUUID(), success ? 'committed' : 'released'],
        ...[success, success ? 200 : 502],
      );
  const ended = async (at: number, success: 0 | 1) => call(at, success).run();

  it('of a tool is raised at once when its newest calls fail, and ends when most succeed', async () => {
    const { look, raised, kinds } = watcher();
    for (let at = 0; at < 50; at += 1) await ended(START - 3_000 + at, 1);
    for (let at = 0; at < 4; at += 1) await ended(START + at, 0);
    await look(working(), START + 10);
    for (let at = 4; at < 12; at += 1) await ended(START + at, 0);
    await look(working(), START + 60);
    expect(raised).toEqual([
      {
        rule: 'upstream_failing',
        detail: { since: START + 60, tool: 'lookup', failed: 10, calls: 10 },
      },
    ]);
    await ended(START + 4_000, 1);
    await look(working(), START + 4_010);
    expect(kinds()).toHaveLength(1);
    for (let at = 1; at < 3; at += 1) await ended(START + 4_000 + at, 1);
    await look(working(), START + 4_020);
    expect(kinds().at(-1)).toEqual(['upstream_failing', 'ended']);
  });

  it('of a tool that fails and works in turn is raised once in an hour', async () => {
    const kinds: unknown[] = [];
    const raise = async ({ detail }: AlertBody) => kinds.push(detail['kind'] ?? 'began') > 0;
    for (let turn = 0; turn < 6; turn += 1) {
      const at = START + turn * 600;
      await db.batch(Array.from({ length: 10 }, (_, place) => call(at + place, turn % 2 ? 1 : 0)));
      const found = await upstreamOutages(db, at + 30);
      await recordOutages(db, 'upstream_failing', found, raise, at + 30);
    }
    expect(kinds).toEqual(['began']);
    await recordOutages(db, 'upstream_failing', [], raise, START + 3_630);
    expect(kinds).toEqual(['began', 'ended']);
  });

  it('of a tool with as many failures as successes begins none', async () => {
    const { look, kinds } = watcher();
    for (let at = 0; at < 10; at += 1) await ended(START + at, at % 2 ? 0 : 1);
    await look(working(), START + 30);
    expect(kinds()).toEqual([]);
  });

  it('of the chain is raised and shown beside any number of outages of tools', async () => {
    const row = db.prepare("INSERT INTO outages VALUES ('upstream_failing', ?1, ?2, '{}', 1)");
    await db.batch(Array.from({ length: 300 }, (_, at) => row.bind(`t${at}`, START - 1_000)));
    const { look, kinds } = watcher();
    const dead: Config = { ...working(), rpcUrls: new Map([[ON, [STOPPED]]]) };
    for (const at of [0, 60, 120]) await look(dead, START + at);
    expect(kinds()).toEqual([['chain_stuck', 'silent']]);
    expect((await shown()).map(({ rule }) => rule)).toContain('chain_stuck');
  });

  it('of a queue is raised by the age of its oldest message', async () => {
    const metrics = (oldest: number) => ({
      metrics: async () => ({ oldestMessageTimestamp: new Date(oldest * 1_000) }),
    });
    const late = watcher({
      SETTLEMENT_QUEUE: metrics(START - 600),
      AUDIT_QUEUE: metrics(START - 301),
    });
    await late.look(working(), START);
    expect(late.raised).toEqual([
      { rule: 'queue_late', detail: { since: START, queue: 'audit', oldest: START - 301 } },
    ]);
    const { look, kinds } = watcher({ SETTLEMENT_QUEUE: metrics(0), AUDIT_QUEUE: metrics(0) });
    await look(working(), START + 60);
    expect(kinds()).toEqual([['queue_late', 'ended']]);
  });

  it('raises its alert again at the next check if the account did not record it, and so does its end', async () => {
    const raised: AlertBody[] = [];
    let answers = false;
    const raise = async (alert: AlertBody) => (raised.push(alert), answers);
    const found = [{ subject: 't', detail: { tool: 't', failed: 5, calls: 5 } }];
    const record = async (now: number, now_found: typeof found) =>
      recordOutages(db, 'upstream_failing', now_found, raise, now);
    await record(START, found);
    expect(await shown()).toEqual([]);
    answers = true;
    await record(START + 60, found);
    await record(START + 120, found);
    expect(raised).toHaveLength(2);
    answers = false;
    await record(START + 3_600, []);
    expect(await shown()).toHaveLength(1);
    answers = true;
    await record(START + 3_660, []);
    expect(raised.map(({ detail }) => detail['kind'])).toEqual([
      ...[undefined, undefined],
      ...['ended', 'ended'],
    ]);
    expect(new Set(raised.map(({ detail }) => detail['since']))).toEqual(new Set([START]));
    expect(await shown()).toEqual([]);
  });

  it('is a notice once it is over', () => {
    for (const rule of OUTAGE_RULES) expect(severityOf(rule, 'ended')).toBe('notice');
  });

  it('keeps its state if its check fails, and the other checks still run', async () => {
    vi.spyOn(console, 'error').mockReturnValue();
    const broken = { metrics: () => Promise.reject(new Error('no queue')) };
    const known = [{ subject: 'audit', detail: { queue: 'audit', oldest: START } }];
    await recordOutages(db, 'queue_late', known, async () => true, START - 60);
    const { look, kinds } = watcher({ AUDIT_QUEUE: broken, SETTLEMENT_QUEUE: broken });
    const dead: Config = { ...working(), rpcUrls: new Map([[ON, [STOPPED]]]) };
    for (const at of [0, 60]) await look(dead, START + at);
    expect(kinds()).toEqual([['chain_stuck', 'silent']]);
    expect((await shown()).map(({ rule }) => rule)).toEqual(['queue_late', 'chain_stuck']);
  });
});

describe('the cron trigger', () => {
  it('runs the upkeep every 15 minutes, in only one of several concurrent runs', async () => {
    const due = async (now: number) => beginCron(db, now);
    const first = await Promise.all([due(START), due(START)]);
    expect(first.filter(Boolean)).toEqual([true]);
    expect(await due(START + 840)).toBe(false);
    expect(await due(START + 898)).toBe(true);
  });

  it('is reported by a queue and in the list of outages if it does not run, until its next run', async () => {
    const { raised, kinds, look } = watcher();
    const raise = async (alert: AlertBody) => raised.push(alert) > 0;
    // A new gateway whose trigger has not run yet.
    await noticeMissedCron(db, raise, START);
    await noticeMissedCron(db, raise, START + 300);
    expect(raised).toEqual([]);
    expect(await shown(START + 301)).toMatchObject([{ rule: 'cron_missed', since: START }]);
    await noticeMissedCron(db, raise, START + 301);
    await noticeMissedCron(db, raise, START + 400);
    expect(raised).toEqual([{ rule: 'cron_missed', detail: { since: START } }]);
    await beginCron(db, START + 460);
    await look(working(), START + 460);
    expect(kinds().at(-1)).toEqual(['cron_missed', 'ended']);
    expect(await cronOutage(db, START + 460)).toBeUndefined();
    expect(await shown(START + 460)).toEqual([]);
  });

  it('is checked with a batch of any queue', async () => {
    const { around, raised } = watcher();
    // An isolate checks once a minute, and another test file may have processed a batch just before.
    const now = nowSeconds() + 3_600;
    vi.useFakeTimers({ now: now * 1_000, toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    await db
      .prepare("INSERT INTO cron_runs VALUES ('watch', ?1)")
      .bind(now - 3_600)
      .run();
    const batch = { queue: 'countersign-settlement-dead', messages: [] } as unknown as MessageBatch;
    await onBatch(batch, around, {} as never, { ok: true, value: working() });
    expect(raised).toEqual([{ rule: 'cron_missed', detail: { since: now - 3_600 } }]);
  });
});
