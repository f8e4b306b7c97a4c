import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { AccountId } from '../../../../src/protocol/account-id.ts';
import type { Child, SignedGrant } from '../../../../src/protocol/account/grant.ts';
import type { AgentAccountRpc } from '../../../../src/protocol/account/rpc.ts';
import { ISSUED_GRANT } from '../../../../durable-objects/account/tree/grants.ts';
import {
  ISSUED_LEASE,
  type IssuedLease,
  liveLeases,
} from '../../../../durable-objects/account/tree/issued-lease.ts';
import { put } from '../../../../durable-objects/store/noun.ts';
import {
  accountOf,
  asset,
  factsOf,
  onDisk,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
} from '../../support.ts';
import {
  callOnce,
  enrol,
  freeOnce,
  grantOf,
  LONG,
  ownerWith,
  pass,
  putToSleep,
  putValues,
  restore,
  ruleOf,
  setPolicy,
  setStatus,
  watchLeases,
  watchRecalls,
} from '../../tree-support.ts';

/** One owner with ten thousand agents, of which a hundred are busy. */
const SIZE = 10_000;
/** Number of agents that are registered. The others are stored directly as equal rows, which takes a second. */
const ISSUED = 1_000;
const BUSY = 100;
const AT_ONCE = 500;
const PAGE = 500;

let owner: Hex;
let busy: readonly Hex[];
let all: ReadonlySet<AccountId>;

const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  const start = performance.now();
  const result = await work();
  console.log(`${what}: ${(performance.now() - start).toFixed(1)} ms`);
  return result;
};

const issueAll = async (grants: readonly SignedGrant[]): Promise<void> => {
  for (let at = 0; at < grants.length; at += AT_ONCE) {
    const verdicts = await Promise.all(
      grants
        .slice(at, at + AT_ONCE)
        .map((grant) =>
          stubOf(owner).apply({ kind: 'issue', grant, facts: factsOf(1n), consent: true }),
        ),
    );
    if (verdicts.some(({ verdict }) => verdict !== 'applied')) throw new Error('not issued');
    // No consumer reads the queue here. Without this line, the owner would repeatedly scan for entries to export.
    await stubOf(owner).exported((await snapshotOf(owner)).seq);
  }
};

const putAll = (grants: readonly SignedGrant[]): Promise<void> =>
  putValues(
    owner,
    grants.map((grant) =>
      put(ISSUED_GRANT, {
        grant,
        child: accountOf(grant.delegation.delegate),
        status: 'active',
        registeredAt: nowSeconds(),
      }),
    ),
  );

const pagesOf = async (payer: Hex, limit: number): Promise<(readonly Child[])[]> => {
  const pages: (readonly Child[])[] = [];
  let after: Hex | undefined;
  do {
    const { children, next } = await stubOf(payer).children(after, limit);
    pages.push(children);
    after = next;
  } while (after !== undefined);
  return pages;
};

beforeAll(async () => {
  owner = await ownerWith(1_000_000n, {
    lifetime: '900000u',
    windows: [{ every: LONG, limit: '800000u' }],
  });
  busy = Array.from({ length: BUSY }, () => randomHex(20));
  const idle = Array.from({ length: SIZE - BUSY }, () => randomHex(20));
  all = new Set([...busy, ...idle].map(accountOf));
  const grants = await timed(`signing ${idle.length} grants`, async () =>
    idle.map((agent) => grantOf(owner, agent)),
  );
  await timed(`issuing ${ISSUED} grants`, () => issueAll(grants.slice(0, ISSUED)));
  await putAll(grants.slice(ISSUED));
  await timed(`${BUSY} agents enrolled, with a call each`, async () => {
    for (const agent of busy) {
      await enrol(owner, agent);
      await callOnce(agent, 10n);
    }
  });
}, 120_000);

afterEach(restore);

describe('ten thousand agents of one owner', () => {
  test('are listed by page, each once', async () => {
    for (const limit of [PAGE, 333]) {
      const pages = await timed(`${SIZE} agents in pages of ${limit}`, () => pagesOf(owner, limit));
      expect(pages).toHaveLength(Math.ceil(SIZE / limit));
      for (const page of pages.slice(0, -1)) expect(page).toHaveLength(limit);
      const listed = pages.flat();
      expect(listed).toHaveLength(SIZE);
      expect(new Set(listed.map(({ account }) => account))).toEqual(all);
      expect(new Set(listed.map(({ grant }) => grant)).size).toBe(SIZE);
      const grants = listed.map(({ grant }) => grant);
      expect(grants).toEqual(grants.toSorted());
      expect(listed.every(({ status }) => status === 'active')).toBe(true);
      const live = listed.filter(({ leasedUntil }) => leasedUntil > 0);
      expect(new Set(live.map(({ account }) => account))).toEqual(new Set(busy.map(accountOf)));
    }
  });

  test('never fit on one page, however large a page is requested', async () => {
    for (const [asked, size] of [
      [1_000_000, 500],
      [501, 500],
      [1, 1],
      [0, 1],
      [-7, 1],
      [2.9, 2],
    ] as const) {
      const page = await stubOf(owner).children(undefined, asked);
      expect(page.children).toHaveLength(size);
      expect(page.next).toBe(page.children.at(-1)?.grant);
    }
    const past = await stubOf(owner).children(`0x${'ff'.repeat(32)}`, PAGE);
    expect(past).toEqual({ children: [] });
  });

  test('are listed with what each has spent', async () => {
    const spent: Record<AccountId, bigint> = {};
    const [eager, other] = busy;
    if (eager === undefined || other === undefined) throw new Error('no agent');
    for (let i = 0; i < 9; i += 1) expect(ruleOf(await callOnce(eager, 10n))).toBe('go');
    // A push makes every account that holds a lease report.
    await setPolicy(owner, { lifetime: '900001u', windows: [{ every: LONG, limit: '800000u' }] });
    const pages = await timed('the spend of all', () => pagesOf(owner, PAGE));
    for (const child of pages.flat()) spent[child.account] = BigInt(child.spent);
    expect(spent[accountOf(eager)]).toBe(100n);
    expect(spent[accountOf(other)]).toBe(10n);
    const sum = Object.values(spent).reduce((total, each) => total + each, 0n);
    expect(sum).toBe(BigInt(BUSY * 10 + 90));
    const { limits, credit, creditLent } = await purseOf(owner);
    const lifetime = limits.find(({ rule }) => rule === 'lifetime');
    expect(lifetime).toMatchObject({ spent: sum.toString(), held: '0' });
    expect({ credit, creditLent }).toEqual({ credit: `${1_000_000n - sum}`, creditLent: '0' });
  });

  test('are frozen by a push to the busy ones only', async () => {
    // The agents returned their shares in answer to the push, so they request them again.
    for (const agent of busy) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const snapshot = await timed('a snapshot', () => snapshotOf(owner));
    expect(snapshot.lessees).toBe(BUSY);
    const recalls = watchRecalls();
    const leases = watchLeases();
    for (const status of ['frozen', 'active', 'paused'] as const) {
      recalls.length = 0;
      const ordered = await timed(`${status}: ${BUSY} at work of ${SIZE}`, () =>
        setStatus(owner, status),
      );
      expect(ordered).toMatchObject({ verdict: 'applied', changed: true, silent: [] });
      if (ordered.verdict !== 'applied') return;
      expect(ordered.acknowledged.toSorted()).toEqual(busy.map(accountOf).toSorted());
      expect(recalls.map(({ to }) => to).toSorted()).toEqual(busy.map(accountOf).toSorted());
    }
    expect(leases).toEqual([]);
    for (const agent of busy) expect(ruleOf(await freeOnce(agent))).toBe('paused');
    expect((await snapshotOf(owner)).status).toBe('paused');
    await setStatus(owner, 'active');
    // The parent's own counters agree.
    const { credit, creditLent } = await purseOf(owner);
    expect({ credit, creditLent }).toEqual({
      credit: `${1_000_000 - BUSY * 20 - 90}`,
      creditLent: '0',
    });
  });

  test('are frozen as cheaply after most of them were busy once', async () => {
    const { children } = await stubOf(owner).children(undefined, PAGE);
    const rows = children
      .filter(({ leasedUntil }) => leasedUntil === 0)
      .map(({ grant, account }): IssuedLease => ({
        child: account,
        issued: grant,
        asset,
        until: nowSeconds() - 1_000,
        shares: {},
      }));
    const others = Array.from({ length: SIZE - BUSY - rows.length }, (): IssuedLease => ({
      child: accountOf(randomHex(20)),
      issued: randomHex(32),
      asset,
      until: nowSeconds() - 1_000,
      shares: {},
    }));
    await putValues(
      owner,
      [...rows, ...others].map((lease) => put(ISSUED_LEASE, lease)),
    );
    const live = await onDisk(owner, (disk) => liveLeases(disk, nowSeconds()));
    expect(live).toHaveLength(BUSY);
    const recalls = watchRecalls();
    await timed(`frozen: ${BUSY} at work of ${SIZE} with a lease once`, () =>
      setStatus(owner, 'frozen'),
    );
    expect(recalls).toHaveLength(BUSY);
    await setStatus(owner, 'active');
  });

  test('let their owner sleep and wake, and the busy ones continue', async () => {
    await putToSleep(owner);
    const snapshot = await timed('waking, and a snapshot', () => snapshotOf(owner));
    expect(snapshot).toMatchObject({ lessees: BUSY, status: 'active' });
    const [agent = owner] = busy;
    await timed('a call that asks above', async () => {
      expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    });
    pass(70);
    const recalls = watchRecalls();
    // No agent holds a valid lease any more, so each must request one itself.
    expect(await timed('frozen: no agent busy', () => setStatus(owner, 'frozen'))).toMatchObject({
      acknowledged: [],
      silent: [],
    });
    expect(recalls).toEqual([]);
    for (const each of busy.slice(0, 5)) expect(ruleOf(await freeOnce(each))).toBe('frozen');
  });
});

describe('an agent of an owner without limits', () => {
  test('is listed with what it has spent, too', async () => {
    const free = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(free, agent);
    for (let i = 0; i < 3; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await setStatus(free, 'paused');
    const { children } = await stubOf(free).children(undefined, PAGE);
    expect(children).toMatchObject([{ account: accountOf(agent), spent: '30' }]);
  });
});

describe('spend that an agent has not reported yet', () => {
  test('is missing from its owner’s figures, which name their time, and is included after the lease ends', async () => {
    const payer = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(payer, agent);
    const childOf = async () => {
      const [child] = (await stubOf(payer).children(undefined, PAGE)).children;
      if (child === undefined) throw new Error('no child');
      return child;
    };
    const moneyOf = async () => {
      const stub: Pick<AgentAccountRpc, 'standing'> = stubOf(payer);
      const found = await stub.standing({
        account: accountOf(payer),
        by: { account: accountOf(payer), role: 'owner' },
      });
      if (found.verdict !== 'found') throw new Error(found.verdict);
      return found.standing.money[0];
    };
    // No share is outstanding, so the figure is exact.
    expect(await childOf()).toMatchObject({ spent: '0' });
    expect(await childOf()).not.toHaveProperty('reportedAt');
    const before = nowSeconds();
    for (let i = 0; i < 3; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    pass(30);
    const lagging = await childOf();
    expect(BigInt(lagging.spent)).toBeLessThan(30n);
    expect(lagging.reportedAt).toBeGreaterThanOrEqual(before - 1);
    expect(lagging.reportedAt).toBeLessThan(nowSeconds() - 20);
    const lent = await moneyOf();
    expect(BigInt(lent?.creditLent ?? 0)).toBeGreaterThan(0n);
    expect(BigInt(lent?.creditHeld ?? 0)).toBeGreaterThanOrEqual(BigInt(lent?.creditLent ?? 0));
    // The agent's alarm returns its unused share and reports what it spent.
    pass(50);
    await runDurableObjectAlarm(stubOf(agent));
    const exact = await childOf();
    expect(exact.spent).toBe('30');
    expect(exact).not.toHaveProperty('reportedAt');
    expect(await moneyOf()).toMatchObject({ credit: '970', creditLent: '0' });
  });
});
