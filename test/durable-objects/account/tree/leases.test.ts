import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { periodOf } from '../../../../src/policy/window.ts';
import { assetId } from '../../../../src/protocol/account-id.ts';
import type { LeaseRequest, LeaseVerdict, Shares } from '../../../../src/protocol/account/lease.ts';
import { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import { CALL } from '../../../../durable-objects/account/call/call-noun.ts';
import {
  ISSUED_LEASE,
  type IssuedLease,
} from '../../../../durable-objects/account/tree/issued-lease.ts';
import { put } from '../../../../durable-objects/store/noun.ts';
import {
  accountOf,
  asset,
  entriesOf,
  factsOf,
  failure,
  intentCallOf,
  onDisk,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  token,
  topUp,
} from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  callWhile,
  denialOf,
  enrol,
  freeOnce,
  limitOf,
  LONG,
  ownerWith,
  pass,
  type Passing,
  pause,
  putToSleep,
  putValues,
  restore,
  rowsOf,
  ruleOf,
  setPolicy,
  setStatus,
  watchLeases,
  watchRecalls,
} from '../../tree-support.ts';

afterEach(restore);

const windowOf = (limit: number) => ({ windows: [{ every: LONG, limit: `${limit}u` }] });
const WINDOW = `window:${LONG}s`;

/** An owner with a window, and agents that are its children. */
const fleetOf = async (size: number, limit: number, credit = 1_000_000n) => {
  const owner = await ownerWith(credit, windowOf(limit));
  const agents = Array.from({ length: size }, () => randomHex(20));
  const grants: Hex[] = [];
  for (const agent of agents) grants.push((await enrol(owner, agent)).hash);
  const [first = owner, second = owner] = agents;
  return { owner, agents, grants, first, second };
};

/** A running call that the test ends. */
const begin = async (payer: Hex, price: bigint, changes: Parameters<typeof callOnce>[2] = {}) => {
  const call = intentCallOf(payer, { price, settlement: 'credit', audience: AUDIENCE, ...changes });
  const attempt = randomHex(16);
  const verdict = await stubOf(payer).reserve(call, attempt, { facts: factsOf(0n) });
  expect(ruleOf(verdict)).toBe('go');
  return (outcome = success) => stubOf(payer).finish(call.call, attempt, outcome);
};

const callsOf = (payer: Hex): Promise<number> => onDisk(payer, (disk) => disk.count(CALL));

/** What the owner's window counts once every descendant has reported: only what was spent. */
const expectSpent = async (owner: Hex, spent: number): Promise<void> => {
  // A push makes every descendant report.
  await setStatus(owner, 'paused');
  expect(await limitOf(owner, WINDOW)).toMatchObject({ spent: `${spent}`, held: '0' });
};

describe('totals that only grow', () => {
  test('a lost reply denies the call, and no unit is lost', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    const leases = watchLeases(async (_, real) => {
      const reply = await real();
      return leases.length === 1 ? { verdict: 'unavailable' } : reply;
    });
    expect(denialOf(await callOnce(first, 100n))).toMatchObject({
      rule: 'unreachable',
      account: accountOf(owner),
      retryAllowed: true,
    });
    const counted = await limitOf(owner, WINDOW);
    expect(counted).toMatchObject({ spent: '0', held: '100' });
    // The next request reports the known totals, and the answer repeats the earlier grant.
    expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    expect(await limitOf(owner, WINDOW)).toEqual(counted);
    expect(await callWhile(second, 100n)).toMatchObject({ went: 9, denial: { rule: 'window' } });
    await expectSpent(owner, 1_000);
  });

  test('with every third reply lost and every object restarted, the whole limit is used and no more', async () => {
    const { owner, agents, first, second } = await fleetOf(2, 2_000);
    const leases = watchLeases(async (_, real) => {
      const reply = await real();
      return leases.length % 3 === 1 ? { verdict: 'unavailable' } : reply;
    });
    let went = 0;
    for (let round = 0; round < 60; round += 1) {
      if (ruleOf(await callOnce(agents[round % 2] ?? first, 100n)) === 'go') went += 1;
      await putToSleep(round % 3 === 0 ? owner : round % 3 === 1 ? first : second);
    }
    restore();
    expect(went).toBeGreaterThan(10);
    expect(went + (await callWhile(second, 100n)).went).toBe(20);
    await expectSpent(owner, 2_000);
  });

  test('a request that comes twice, or again after newer ones, grants nothing more', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    const leases = watchLeases();
    for (let i = 0; i < 4; i += 1) expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    const requests: LeaseRequest[] = leases.map(({ message }) => message);
    expect(requests.length).toBeGreaterThan(1);
    const before = await limitOf(owner, WINDOW);
    const credit = await purseOf(owner);
    for (const request of [...requests, ...requests.toReversed(), ...requests]) {
      const reply = await stubOf(owner).lease(request);
      expect(reply.verdict).toBe('leased');
    }
    expect(await limitOf(owner, WINDOW)).toEqual(before);
    expect(await purseOf(owner)).toEqual(credit);
    // A late answer to the descendant changes nothing: every unit exists once.
    expect((await callWhile(second, 100n)).went).toBe(6);
    expect(ruleOf(await callOnce(first, 100n))).toBe('window');
    await expectSpent(owner, 1_000);
  });

  test('a reply that arrives after a recall grants nothing again', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    for (let i = 0; i < 2; i += 1) expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    let granted: () => void = () => undefined;
    const isGranted = new Promise<void>((resolve) => {
      granted = resolve;
    });
    let arrive: () => void = () => undefined;
    const mayArrive = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const held: LeaseVerdict[] = [];
    watchLeases(async ({ message }, real) => {
      const reply = await real();
      if (message.child !== accountOf(first) || held.length > 0) return reply;
      held.push(reply);
      granted();
      await mayArrive;
      return reply;
    });
    const calling = callOnce(first, 300n);
    await isGranted;
    // The other agent takes everything that remains, also what is on the way.
    expect((await callWhile(second, 100n)).went).toBe(8);
    arrive();
    expect(ruleOf(await calling)).toBe('window');
    await expectSpent(owner, 1_000);
  });

  test('a child that reports more than it was granted is capped', async () => {
    const { owner, first, second, grants } = await fleetOf(2, 1_000);
    expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    const start = periodOf(LONG, nowSeconds()).start;
    const lie = { start, granted: 0n, returned: 10n ** 9n, spent: 0n, held: 0n };
    for (const share of [lie, { ...lie, returned: 0n, spent: 10n ** 9n }]) {
      await stubOf(owner).giveBack(accountOf(first), {
        [grants[0] ?? '0x']: { [`${LONG}s`]: share },
      });
      const { spent, held } = await limitOf(owner, WINDOW);
      expect(BigInt(spent)).toBeLessThanOrEqual(100n);
      expect(BigInt(held)).toBeGreaterThanOrEqual(0n);
    }
    expect((await callWhile(second, 100n)).went).toBeLessThanOrEqual(10);
  });
});

describe('an ancestor that cannot be reached', () => {
  const ways: readonly (readonly [string, () => Promise<LeaseVerdict>])[] = [
    ['it is unavailable', () => Promise.resolve({ verdict: 'unavailable' })],
    ['it throws', () => Promise.reject(new Error('no such object'))],
    [
      'it hangs',
      async () => {
        await pause(6_000);
        return { verdict: 'unavailable' };
      },
    ],
  ];

  test.for(ways)('denies the call, and admits nothing: %s', async ([, way]) => {
    for (const level of ['owner', 'manager'] as const) {
      const branch = await branchWith(10_000n, windowOf(1_000));
      const { owner, agent, [level]: silent } = branch;
      watchLeases(({ to }, real) => (to === accountOf(silent) ? way() : real()));
      const verdicts = await Promise.all([callOnce(agent, 100n), freeOnce(agent)]);
      for (const verdict of verdicts) {
        const denial = denialOf(verdict);
        expect(denial).toMatchObject({
          rule: 'unreachable',
          account: accountOf(silent),
          retryAllowed: true,
        });
        expect(denial.retryAfter).toBeGreaterThan(0);
      }
      expect(await callsOf(agent)).toBe(0);
      restore();
      expect(await callWhile(agent, 100n)).toMatchObject({ went: 10, denial: { rule: 'window' } });
      await expectSpent(owner, 1_000);
    }
  });

  test('does not stop calls that a live lease covers', async () => {
    const { owner, first } = await fleetOf(1, 30_000);
    for (let i = 0; i < 6; i += 1) expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    watchLeases(() => Promise.resolve({ verdict: 'unavailable' }));
    const { went, denial } = await callWhile(first, 100n);
    expect(went).toBeGreaterThan(0);
    expect(denial).toMatchObject({ rule: 'unreachable' });
    expect(ruleOf(await freeOnce(first))).toBe('go');
    pass(60);
    expect(ruleOf(await freeOnce(first))).toBe('unreachable');
    restore();
    expect((await callWhile(first, 100n)).went).toBe(300 - 6 - went);
    await expectSpent(owner, 30_000);
  });
});

describe('a restart', () => {
  test.for(['parent', 'child', 'both'] as const)('of the %s loses no unit', async (who) => {
    const { owner, agents, first } = await fleetOf(2, 3_000);
    let went = 0;
    for (let round = 0; round < 40; round += 1) {
      const agent = agents[round % 2] ?? first;
      if (ruleOf(await callOnce(agent, 100n)) === 'go') went += 1;
      if (who !== 'child') await putToSleep(owner);
      if (who !== 'parent') await putToSleep(agent);
    }
    expect(went).toBe(30);
    await expectSpent(owner, 3_000);
  });

  test('during a call keeps what the call holds', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    const end = await begin(first, 400n);
    for (const each of [owner, first]) await putToSleep(each);
    expect((await callWhile(second, 100n)).went).toBe(6);
    for (const each of [owner, first]) await putToSleep(each);
    expect(await end()).toMatchObject({ state: 'committed', charged: 400n });
    expect(ruleOf(await callOnce(second, 100n))).toBe('window');
    await expectSpent(owner, 1_000);
  });
});

describe('the whole limit', () => {
  test('can be used by eight agents at once, and no unit twice', async () => {
    const { owner, agents } = await fleetOf(8, 4_321);
    const prices = [7n, 13n, 50n, 1n];
    const spent = await Promise.all(
      agents.map(async (agent) => {
        const verdicts = await Promise.all(
          Array.from({ length: 60 }, async (_, i) => {
            const price = prices[i % 4] ?? 1n;
            return ruleOf(await callOnce(agent, price)) === 'go' ? price : 0n;
          }),
        );
        return verdicts.reduce((sum, price) => sum + price, 0n);
      }),
    );
    const all = spent.reduce((sum, each) => sum + each, 0n);
    // Enough was requested, and the rest is less than the smallest price that was denied last.
    expect(all).toBeLessThanOrEqual(4_321n);
    expect(all).toBeGreaterThanOrEqual(4_277n);
    await expectSpent(owner, Number(all));
  });

  test('is granted one need at a time near its end', async () => {
    const { owner, agents, first } = await fleetOf(4, 1_000);
    const unused: bigint[] = [];
    watchLeases(async (_, real) => {
      const reply = await real();
      if (reply.verdict === 'leased') {
        const { granted, returned, spent, held } = reply.shares[`${LONG}s`] ?? lost();
        unused.push(granted - returned - spent - held);
      }
      return reply;
    });
    let went = 0;
    for (let round = 0; round < 16; round += 1) {
      if (ruleOf(await callOnce(agents[round % 4] ?? first, 100n)) === 'go') went += 1;
    }
    expect(went).toBe(10);
    // When little remains, an agent gets no more than its need.
    expect(unused.slice(-3)).toEqual([100n, 100n, 100n]);
    await expectSpent(owner, 1_000);
  });

  test('can be used by one busy agent after seven slow ones', async () => {
    const { owner, agents } = await fleetOf(8, 4_000);
    const [greedy = owner, ...modest] = agents;
    for (const agent of modest) {
      for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    }
    const recalls = watchRecalls();
    const { went, denial } = await callWhile(greedy, 10n);
    expect(went).toBe(400 - 35);
    expect(denial).toMatchObject({
      rule: 'window',
      account: accountOf(owner),
      limit: { rule: WINDOW, limit: '4000', spent: '4000', held: '0', remaining: '0' },
    });
    expect(recalls.length).toBeGreaterThan(0);
    for (const agent of modest) expect(ruleOf(await callOnce(agent, 10n))).toBe('window');
    await expectSpent(owner, 4_000);
  });

  test('can be used by one agent at once', async () => {
    const { owner, agents } = await fleetOf(4, 3_000);
    const [greedy = owner, ...modest] = agents;
    for (const agent of modest) {
      for (let i = 0; i < 3; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    }
    const verdicts = await Promise.all(Array.from({ length: 400 }, () => callOnce(greedy, 10n)));
    expect(verdicts.filter(({ verdict }) => verdict === 'go')).toHaveLength(300 - 9);
    await expectSpent(owner, 3_000);
  });

  test('excludes what running calls hold, until they fail', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    const end = await begin(first, 600n);
    const { went, denial } = await callWhile(second, 100n);
    expect(went).toBe(4);
    expect(denial).toMatchObject({ limit: { spent: '400', held: '600', remaining: '0' } });
    expect(await end(failure)).toMatchObject({ state: 'released', charged: 0n });
    // The account does not request again at once what only running calls hold.
    await pause(1_100);
    expect((await callWhile(second, 100n)).went).toBe(6);
    await expectSpent(owner, 1_000);
  });

  test('includes unused shares of an agent with a running call, without what that call holds', async () => {
    const { owner, first, second, grants } = await fleetOf(2, 1_000);
    for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(first, 10n))).toBe('go');
    const end = await begin(first, 10n);
    const reported: (Shares[string] | undefined)[] = [];
    watchRecalls(async ({ to }, real) => {
      const reply = await real();
      if (reply.verdict === 'returned' && to === accountOf(first)) {
        reported.push(reply.branches[grants[0] ?? '0x']?.[`${LONG}s`]);
      }
      return reply;
    });
    expect((await callWhile(second, 10n)).went).toBe(91);
    // The agent had both when the recall arrived.
    const { granted, returned, spent, held } = reported[0] ?? lost();
    expect({ spent, held, rest: granted - returned }).toEqual({ spent: 80n, held: 10n, rest: 90n });
    expect(returned).toBeGreaterThan(0n);
    expect(await end()).toMatchObject({ state: 'committed', charged: 10n });
    await expectSpent(owner, 1_000);
  });

  test('includes the rest of a variable price, and what a silent failure released', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    const end = await begin(first, 500n);
    expect(await end({ ...success, amount: 120n })).toMatchObject({ charged: 120n });
    await begin(first, 300n);
    pass(100);
    await runDurableObjectAlarm(stubOf(first));
    expect((await callWhile(second, 40n)).went).toBe(22);
    await expectSpent(owner, 1_000);
  });

  test('can be used by the parent’s own calls', async () => {
    const { owner, agents } = await fleetOf(3, 1_000);
    for (const agent of agents) {
      for (let i = 0; i < 3; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    }
    const recalls = watchRecalls();
    expect(ruleOf(await callOnce(owner, 910n))).toBe('go');
    expect(recalls.map(({ to }) => to).toSorted()).toEqual(agents.map(accountOf).toSorted());
    expect(denialOf(await callOnce(owner, 1n))).toMatchObject({
      rule: 'window',
      account: accountOf(owner),
      limit: { spent: '1000', held: '0', remaining: '0' },
    });
    for (const agent of agents) expect(ruleOf(await callOnce(agent, 1n))).toBe('window');
  });

  test('is found behind many leases of an ended window', async () => {
    const { owner, first, second } = await fleetOf(2, 10_000);
    for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(first, 100n))).toBe('go');
    const past = periodOf(LONG, nowSeconds()).start - LONG;
    const shares: Shares = {
      [`${LONG}s`]: { start: past, granted: 9_000n, returned: 0n, spent: 0n, held: 0n },
    };
    const idle = Array.from({ length: 80 }, (): IssuedLease => ({
      child: accountOf(randomHex(20)),
      issued: randomHex(32),
      asset,
      until: 1_000,
      shares,
    }));
    await putValues(
      owner,
      idle.map((lease) => put(ISSUED_LEASE, lease)),
    );
    expect((await callWhile(second, 100n)).went).toBe(95);
    await expectSpent(owner, 10_000);
  });

  test('counts in the asset that is spent, whatever asset an earlier request had', async () => {
    const other = assetId(token.network, randomHex(20));
    const owner = await ownerWith(10_000n, windowOf(500));
    const [manager, agent] = [randomHex(20), randomHex(20)];
    const { hash: parent } = await enrol(owner, manager, { depth: 1 });
    // The account checks its ancestors before it issues a grant; a free call has no asset.
    await enrol(manager, agent, { parent });
    for (const payer of [manager, agent]) {
      expect(ruleOf(await freeOnce(payer, { asset: other }))).toBe('go');
    }
    expect((await callWhile(manager, 100n, 3)).went).toBe(3);
    expect((await callWhile(agent, 100n)).went).toBe(2);
    expect(ruleOf(await callOnce(manager, 100n))).toBe('window');
    await expectSpent(owner, 500);
  });
});

const lost = (): never => {
  throw new Error('no share');
};

describe('a lifetime limit', () => {
  test('holds through three levels, whichever account spends it', async () => {
    const owner = await ownerWith(100_000n, { lifetime: '1000u' });
    const [manager, sibling] = [randomHex(20), randomHex(20)];
    const [agent, other] = [randomHex(20), randomHex(20)];
    const { hash: parent } = await enrol(owner, manager, { depth: 1, maxTotal: 700n });
    await enrol(owner, sibling);
    const { hash: own } = await enrol(manager, agent, { parent, maxTotal: 400n });
    await enrol(manager, other, { parent, maxTotal: 700n });
    expect(await callWhile(agent, 50n)).toMatchObject({
      went: 8,
      denial: { rule: 'lifetime', account: accountOf(agent), grant: own, retryAllowed: false },
    });
    expect(ruleOf(await callOnce(manager, 50n))).toBe('go');
    const second = await callWhile(other, 50n);
    expect(second).toMatchObject({
      went: 5,
      denial: {
        rule: 'lifetime',
        account: accountOf(manager),
        limit: { limit: '700', remaining: '0' },
        retryAllowed: false,
      },
    });
    expect(denialOf(await callOnce(manager, 50n))).toMatchObject({
      rule: 'lifetime',
      account: accountOf(manager),
    });
    pass(10 * 86_400);
    expect(await callWhile(sibling, 50n)).toMatchObject({
      went: 6,
      denial: {
        rule: 'lifetime',
        account: accountOf(owner),
        limit: { limit: '1000', spent: '1000', held: '0', remaining: '0' },
      },
    });
    expect(ruleOf(await callOnce(owner, 50n))).toBe('lifetime');
    expect(await limitOf(owner, 'lifetime')).toMatchObject({ spent: '1000', held: '0' });
  });
});

describe('credit of an ancestor', () => {
  const lendersOf = async (payer: Hex) =>
    (await entriesOf(payer))
      .filter(({ type }) => type === 'call.accepted')
      .map(({ payment }) => payment?.['lender']);

  test('is lent by the nearest ancestor that has some, else by the next', async () => {
    const { owner, manager, agent, upper, lower } = await branchWith(300n);
    await topUp(manager, 250n);
    expect(await callWhile(agent, 100n)).toMatchObject({
      went: 5,
      denial: { rule: 'credit', retryAllowed: true },
    });
    const [near, far] = [lower.hash, upper.hash];
    expect(await lendersOf(agent)).toEqual([near, near, far, far, far]);
    // Fifty units are too few for another such call, and enough for a smaller one.
    expect(ruleOf(await callOnce(agent, 50n))).toBe('go');
    expect((await lendersOf(agent)).at(-1)).toBe(near);
    for (const each of [owner, manager]) {
      await setStatus(each, 'paused');
      expect(await purseOf(each)).toMatchObject({ credit: '0', creditHeld: '0', creditLent: '0' });
    }
  });

  test('is lent once: two agents that request all of it get no unit twice', async () => {
    const owner = await ownerWith(1_000n);
    const agents = [randomHex(20), randomHex(20), randomHex(20)];
    for (const agent of agents) await enrol(owner, agent);
    const verdicts = await Promise.all(
      Array.from({ length: 60 }, (_, i) => callOnce(agents[i % 3] ?? owner, 30n)),
    );
    expect(verdicts.filter(({ verdict }) => verdict === 'go')).toHaveLength(33);
    await setStatus(owner, 'paused');
    expect(await purseOf(owner)).toMatchObject({ credit: '10', creditLent: '0' });
  });

  test('is returned when its call fails, and its rest when the price was variable', async () => {
    const { owner, agent } = await branchWith(1_000n);
    const end = await begin(agent, 900n);
    expect(await purseOf(owner)).toMatchObject({ credit: '1000', creditLent: '900' });
    await end(failure);
    const then = await begin(agent, 1_000n);
    await then({ ...success, amount: 1n });
    await setStatus(owner, 'paused');
    expect(await purseOf(owner)).toMatchObject({ credit: '999', creditLent: '0' });
  });

  test('can be spent by its owner when descendants do not use it', async () => {
    const owner = await ownerWith(1_000n);
    const agents = [randomHex(20), randomHex(20)];
    for (const agent of agents) {
      await enrol(owner, agent);
      for (let i = 0; i < 4; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    }
    expect((await purseOf(owner)).creditLent).not.toBe('0');
    expect(ruleOf(await callOnce(owner, 920n))).toBe('go');
    expect(ruleOf(await callOnce(owner, 1n))).toBe('credit');
  });

  test('does not pay for a call that a limit denies', async () => {
    const owner = await ownerWith(10_000n, windowOf(150));
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect(await callWhile(agent, 100n)).toMatchObject({ went: 1, denial: { rule: 'window' } });
    await setStatus(owner, 'paused');
    expect(await purseOf(owner)).toMatchObject({ credit: '9900', creditLent: '0' });
  });

  test('is not requested while the account has credit of its own', async () => {
    const owner = await ownerWith(1_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    await topUp(agent, 150n);
    for (let i = 0; i < 2; i += 1) expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    const paid = (await entriesOf(agent))
      .filter(({ type, tool }) => type === 'call.accepted' && tool === 'lookup')
      .map(({ payment }) => payment?.['paidBy']);
    expect(paid).toEqual(['credit', 'lent']);
    expect((await purseOf(agent)).credit).toBe('50');
  });
});

describe('an account that has become idle', () => {
  const idle = async () => {
    const fleet = await fleetOf(2, 1_000, 1_000n);
    for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(fleet.first, 20n))).toBe('go');
    const { held } = await limitOf(fleet.owner, WINDOW);
    expect(BigInt(held)).toBeGreaterThan(0n);
    return fleet;
  };

  test.for([false, true])(
    'returns unused shares, also when its object slept meanwhile: %s',
    async (slept) => {
      const { owner, first, second } = await idle();
      const recalls = watchRecalls();
      pass(70);
      if (slept) await putToSleep(first);
      await runDurableObjectAlarm(stubOf(first));
      expect(await limitOf(owner, WINDOW)).toMatchObject({ spent: '100', held: '0' });
      expect(await purseOf(owner)).toMatchObject({ credit: '900', creditLent: '0' });
      // So no ancestor has to recall it.
      expect(ruleOf(await callOnce(owner, 500n))).toBe('go');
      expect(ruleOf(await callOnce(second, 400n))).toBe('go');
      expect(recalls).toEqual([]);
      expect(ruleOf(await callOnce(first, 1n))).toBe('window');
    },
  );

  test('runs one alarm for the return, and then no more', async () => {
    const { first } = await idle();
    await stubOf(first).exported((await snapshotOf(first)).seq);
    pass(70);
    await putToSleep(first);
    // The second alarm may check once more that nothing is left.
    for (let i = 0; i < 2; i += 1) await runDurableObjectAlarm(stubOf(first));
    const alarm = (): Promise<number | null> =>
      runInDurableObject(stubOf(first), (_, { storage }) => storage.getAlarm());
    const next = await alarm();
    // Only its calls remain to be pruned, an hour later.
    expect(next ?? Number.MAX_SAFE_INTEGER).toBeGreaterThan(Date.now() + 600_000);
  });

  test('reports a return whose report was lost with its next request', async () => {
    const { owner, first, second } = await idle();
    pass(70);
    vi.spyOn(AgentAccount.prototype, 'giveBack').mockResolvedValueOnce({ verdict: 'unavailable' });
    await runDurableObjectAlarm(stubOf(first));
    expect((await limitOf(owner, WINDOW)).held).not.toBe('0');
    await putToSleep(first);
    expect((await callWhile(second, 20n)).went).toBe(45);
    await expectSpent(owner, 1_000);
  });

  test('sends each ancestor one request after a restart', async () => {
    const { owner, agents, first } = await fleetOf(1, 10_000);
    for (let i = 0; i < 3; i += 1) expect(ruleOf(await callOnce(first, 20n))).toBe('go');
    const leases = watchLeases();
    for (const ends of ['the lease', 'the share'] as const) {
      pass(70);
      if (ends === 'the share') await runDurableObjectAlarm(stubOf(first));
      leases.length = 0;
      expect(ruleOf(await callOnce(first, 20n))).toBe('go');
      expect(leases.map(({ to }) => to)).toEqual([accountOf(owner)]);
    }
    expect(agents).toHaveLength(1);
  });

  test('sends each ancestor one request when it pays itself, and with two ancestors', async () => {
    const { owner, manager, agent } = await branchWith(10_000n, windowOf(5_000));
    await topUp(agent, 1_000n);
    expect(ruleOf(await callOnce(agent, 20n))).toBe('go');
    pass(70);
    const leases: Passing<LeaseRequest>[] = watchLeases();
    expect(ruleOf(await callOnce(agent, 20n))).toBe('go');
    expect(leases.map(({ to }) => to).toSorted()).toEqual(
      [owner, manager].map(accountOf).toSorted(),
    );
  });
});

describe('a window that ends', () => {
  test('leaves nothing behind: the next window is whole for every account', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    for (let round = 0; round < 3; round += 1) {
      // Both agents hold more than they used when the window ends.
      for (let i = 0; i < 4; i += 1) {
        for (const agent of [first, second]) expect(ruleOf(await callOnce(agent, 20n))).toBe('go');
      }
      if (round === 1) {
        expect((await callWhile(first, 20n)).went).toBe(42);
        expect(denialOf(await callOnce(second, 20n))).toMatchObject({
          rule: 'window',
          retryAllowed: true,
          limit: { spent: '1000', remaining: '0', window: LONG },
        });
      }
      pass(LONG);
      expect(await limitOf(owner, WINDOW)).toMatchObject({ spent: '0', held: '0' });
    }
    expect((await callWhile(second, 20n)).went).toBe(50);
    await expectSpent(owner, 1_000);
  });

  test('counts a running call in its own window', async () => {
    const { owner, first, second } = await fleetOf(2, 1_000);
    const end = await begin(first, 900n, { timeoutSeconds: 3_000_000 });
    pass(LONG);
    expect((await callWhile(second, 100n)).went).toBe(10);
    expect(await end()).toMatchObject({ state: 'committed', charged: 900n });
    expect(ruleOf(await callOnce(first, 100n))).toBe('window');
    await expectSpent(owner, 1_000);
    expect((await purseOf(owner)).credit).toBe(`${1_000_000 - 1_900}`);
  });

  test('is whole again for the parent’s own calls', async () => {
    const { owner, first } = await fleetOf(1, 1_000);
    for (let i = 0; i < 4; i += 1) expect(ruleOf(await callOnce(first, 20n))).toBe('go');
    pass(LONG);
    const recalls = watchRecalls();
    expect(ruleOf(await callOnce(owner, 1_000n))).toBe('go');
    expect(ruleOf(await callOnce(owner, 1n))).toBe('window');
    // No agent holds a share of this window.
    expect(recalls).toEqual([]);
  });
});

describe('costs', () => {
  test('a busy fleet recalls nothing while enough remains for every agent', async () => {
    const owner = await ownerWith(1_000_000n, windowOf(1_000_000));
    const manager = randomHex(20);
    const { hash: parent } = await enrol(owner, manager, { depth: 1 });
    const agents = Array.from({ length: 6 }, () => randomHex(20));
    for (const agent of agents) await enrol(manager, agent, { parent });
    const recalls = watchRecalls();
    const leases = watchLeases();
    for (let round = 0; round < 20; round += 1) {
      for (const agent of agents) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    }
    expect(recalls).toEqual([]);
    // 120 paid calls, with two ancestors each.
    expect(leases.length).toBeLessThan(2 * 120);
  });

  test('a warm call below an owner writes as many rows as a call of an account alone', async () => {
    const rowsOfOne = async (payer: Hex): Promise<number> => {
      const before = await rowsOf(payer);
      expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
      return (await rowsOf(payer)) - before;
    };
    const owner = await ownerWith(1_000_000n, windowOf(900_000));
    const agent = randomHex(20);
    await enrol(owner, agent);
    for (const payer of [owner, agent]) {
      for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(payer, 10n))).toBe('go');
    }
    const leases = watchLeases();
    const above = await rowsOf(owner);
    const below = await rowsOfOne(agent);
    expect(leases).toEqual([]);
    expect(await rowsOf(owner)).toBe(above);
    expect(below).toBe(await rowsOfOne(owner));
    expect(below).toBeLessThanOrEqual(4);
  });

  test('a single call below an owner writes at most 10 rows, with its export, its end and the return of its share', async () => {
    const owner = await ownerWith(1_000_000n, windowOf(900_000));
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 1_000n))).toBe('go');
    await stubOf(agent).exported((await snapshotOf(agent)).seq);
    pass(4_300);
    await runDurableObjectAlarm(stubOf(agent));
    const before = await rowsOf(agent);
    const validBefore = nowSeconds() + 300;
    expect(ruleOf(await callOnce(agent, 1_000n, { validBefore }))).toBe('go');
    await stubOf(agent).exported((await snapshotOf(agent)).seq);
    pass(70);
    await runDurableObjectAlarm(stubOf(agent));
    pass(930);
    await runDurableObjectAlarm(stubOf(agent));
    const rows = (await rowsOf(agent)) - before;
    expect(await callsOf(agent)).toBe(0);
    expect(rows).toBeLessThanOrEqual(10);
  });

  test('a lease costs the ancestor at most 3 rows', async () => {
    const owner = await ownerWith(1_000_000n, windowOf(900_000));
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const leases = watchLeases();
    const before = await rowsOf(owner);
    for (let i = 0; i < 30; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(leases.length).toBeGreaterThan(0);
    expect((await rowsOf(owner)) - before).toBeLessThanOrEqual(3 * leases.length);
  });

  test('repeated refusals cost the ancestor no row', async () => {
    const owner = await ownerWith(1_000_000n, windowOf(100));
    const agent = randomHex(20);
    await enrol(owner, agent);
    await setPolicy(agent, {});
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    expect(ruleOf(await callOnce(agent, 100n))).toBe('window');
    const before = await rowsOf(owner);
    for (let i = 0; i < 10; i += 1) expect(ruleOf(await callOnce(agent, 100n))).toBe('window');
    expect(await rowsOf(owner)).toBe(before);
  });
});
