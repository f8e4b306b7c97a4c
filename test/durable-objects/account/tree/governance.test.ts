import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { CALL } from '../../../../durable-objects/account/call/call-record.ts';
import type { Status } from '../../../../src/protocol/account/command.ts';
import {
  accountOf,
  entriesOf,
  factsOf,
  intentCallOf,
  onDisk,
  purseOf,
  randomHex,
  stubOf,
  success,
} from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  denialOf,
  enrol,
  faultOf,
  freeOnce,
  LONG,
  ownerWith,
  pass,
  pause,
  restore,
  revoke,
  ruleOf,
  setStatus,
  watchLeases,
  watchRecalls,
  ZERO,
} from '../../tree-support.ts';
import { fleetWith } from './fleet-with.ts';

afterEach(restore);

type Name = keyof Awaited<ReturnType<typeof fleetWith>>['all'];

describe('an account that is not active', () => {
  const cases: readonly {
    readonly node: Name;
    readonly status: Status;
    readonly stops: readonly Name[];
  }[] = (['frozen', 'paused', 'revoked'] as const).flatMap((status) => [
    { node: 'owner', status, stops: ['owner', 'manager', 'agent', 'sibling'] },
    { node: 'manager', status, stops: ['manager', 'agent'] },
    { node: 'agent', status, stops: ['agent'] },
  ]);

  test.for(cases)(
    '$node, $status: stops it and its descendants, and no other account',
    async (each) => {
      const { node, status, stops } = each;
      const fleet = await fleetWith();
      const ordered = await setStatus(fleet[node], status);
      const notified = stops.filter((name) => name !== node).map((name) => accountOf(fleet[name]));
      expect(ordered).toMatchObject({ verdict: 'applied', changed: true, silent: [] });
      if (ordered.verdict !== 'applied') return;
      expect(ordered.acknowledged.toSorted()).toEqual(notified.toSorted());
      for (const [name, account] of Object.entries(fleet.all)) {
        for (const verdict of [await callOnce(account, 10n), await freeOnce(account)]) {
          if (stops.includes(name as Name)) {
            expect(denialOf(verdict)).toMatchObject({
              rule: status,
              account: accountOf(fleet[node]),
              retryAllowed: status === 'paused',
            });
          } else expect(ruleOf(verdict)).toBe('go');
        }
      }
      // The same after every object restarted: a restarted account requests its lease again.
      for (const account of Object.values(fleet.all)) await evictDurableObject(stubOf(account));
      for (const name of stops) expect(ruleOf(await callOnce(fleet[name], 10n))).toBe(status);

      const resumed = await setStatus(fleet[node], 'active');
      if (status === 'revoked') {
        expect(faultOf(resumed)).toMatchObject({ reason: 'grant_refused', field: 'status' });
        for (const name of stops) expect(ruleOf(await callOnce(fleet[name], 10n))).toBe(status);
      } else {
        expect(resumed).toMatchObject({ verdict: 'applied', changed: true, silent: [] });
        // An account that got no push trusts a refusal for two seconds.
        pass(3);
        for (const name of stops) expect(ruleOf(await callOnce(fleet[name], 10n))).toBe('go');
      }
    },
  );

  test('completes calls that were accepted before', async () => {
    const { owner, agent } = await branchWith(1_000n);
    const call = intentCallOf(agent, { price: 100n, settlement: 'credit', audience: AUDIENCE });
    const attempt = randomHex(16);
    expect((await stubOf(agent).reserve(call, attempt, { facts: factsOf(0n) })).verdict).toBe('go');
    await setStatus(owner, 'revoked');
    await setStatus(agent, 'frozen');
    expect(await stubOf(agent).finish(call.call, attempt, success)).toMatchObject({
      verdict: 'finished',
      state: 'committed',
      charged: 100n,
    });
    // A retry with its secret still gets the outcome.
    const shown = { ...call, showsSecret: true };
    const again = await stubOf(agent).reserve(shown, randomHex(16), {});
    expect(again).toMatchObject({ verdict: 'stored', charged: 100n });
  });

  test('that is frozen can be paused or revoked, and a repeated command changes nothing', async () => {
    const owner = await ownerWith(1_000n);
    for (const status of ['frozen', 'paused', 'active', 'frozen', 'revoked'] as const) {
      expect(await setStatus(owner, status)).toMatchObject({ verdict: 'applied', changed: true });
      expect(await setStatus(owner, status)).toMatchObject({ verdict: 'applied', changed: false });
    }
    for (const status of ['active', 'paused', 'frozen'] as const) {
      expect(faultOf(await setStatus(owner, status))).toMatchObject({ field: 'status' });
    }
  });

  test('is retried two seconds later by a descendant that got no push of the resume', async () => {
    const { owner, agent } = await branchWith(1_000n);
    await setStatus(owner, 'paused');
    // It holds no lease, so it gets no push.
    expect(ruleOf(await callOnce(agent, 10n))).toBe('paused');
    expect(await setStatus(owner, 'active')).toMatchObject({ acknowledged: [] });
    pass(3);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
  });

  test('serves every notified descendant at once after a resume', async () => {
    const { owner, agent } = await branchWith(1_000n);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await setStatus(owner, 'paused');
    expect(ruleOf(await callOnce(agent, 10n))).toBe('paused');
    expect(await setStatus(owner, 'active')).toMatchObject({
      acknowledged: [accountOf(agent)],
    });
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
  });
});

describe('a command', () => {
  test('notifies only accounts with a live lease', async () => {
    const owner = await ownerWith(10_000n);
    const [busy, idle, fresh] = [randomHex(20), randomHex(20), randomHex(20)];
    for (const agent of [busy, idle, fresh]) await enrol(owner, agent);
    expect(ruleOf(await callOnce(idle, 10n))).toBe('go');
    pass(70);
    expect(ruleOf(await callOnce(busy, 10n))).toBe('go');
    const recalls = watchRecalls();
    expect(await setStatus(owner, 'frozen')).toMatchObject({
      acknowledged: [accountOf(busy)],
      silent: [],
    });
    expect(recalls.map(({ to }) => to)).toEqual([accountOf(busy)]);
    for (const agent of [busy, idle, fresh]) {
      expect(ruleOf(await callOnce(agent, 10n))).toBe('frozen');
    }
  });

  test('reaches a sleeping account, and still holds after its next restart', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    await evictDurableObject(stubOf(agent));
    expect(await setStatus(owner, 'frozen')).toMatchObject({ acknowledged: [accountOf(agent)] });
    await evictDurableObject(stubOf(agent));
    expect(ruleOf(await freeOnce(agent))).toBe('frozen');
  });

  test('reports an unreachable account as silent; that account stops within 60 s', async () => {
    const owner = await ownerWith(10_000n);
    const [agent, other] = [randomHex(20), randomHex(20)];
    for (const each of [agent, other]) {
      await enrol(owner, each);
      expect(ruleOf(await callOnce(each, 10n))).toBe('go');
    }
    watchRecalls(({ to }, real) =>
      to === accountOf(agent) ? Promise.resolve({ verdict: 'unavailable' }) : real(),
    );
    expect(await setStatus(owner, 'frozen')).toMatchObject({
      acknowledged: [accountOf(other)],
      silent: [accountOf(agent)],
    });
    // The lease still lets it decide calls: no push reached it.
    expect(ruleOf(await freeOnce(agent))).toBe('go');
    pass(50);
    expect(ruleOf(await freeOnce(agent))).toBe('go');
    pass(10);
    expect(denialOf(await freeOnce(agent))).toMatchObject({
      rule: 'frozen',
      account: accountOf(owner),
    });
  });

  test('does not wait for an account that hangs', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    watchRecalls(async (_, real) => {
      await pause(5_000);
      return real();
    });
    expect(await setStatus(owner, 'frozen')).toMatchObject({ silent: [accountOf(agent)] });
  });

  test('is pushed again by the same command when a push failed', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    let isLost = true;
    watchRecalls((_, real) => (isLost ? Promise.resolve({ verdict: 'unavailable' }) : real()));
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({ silent: [accountOf(agent)] });
    isLost = false;
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({
      changed: false,
      acknowledged: [accountOf(agent)],
      silent: [],
    });
    expect(ruleOf(await freeOnce(agent))).toBe('revoked');
  });

  const late: readonly (readonly [which: 'first' | 'second', price: bigint])[] = [
    ['first', 1_000n],
    ['second', 1_000n],
    // This account needs only the status of its ancestor.
    ['first', 0n],
    ['second', 0n],
  ];

  test.for(late)(
    'is not undone by a lease that was granted before it and arrives after it: the %s, for a price of %d',
    async ([which, price]) => {
      const owner = await ownerWith(10_000n, { windows: [{ every: LONG, limit: '9000u' }] });
      const agent = randomHex(20);
      await enrol(owner, agent);
      if (which === 'second') {
        expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
        pass(61);
      }
      let granted: () => void = () => undefined;
      const isGranted = new Promise<void>((resolve) => {
        granted = resolve;
      });
      let arrive: () => void = () => undefined;
      const mayArrive = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      const leases = watchLeases(async (_, real) => {
        const isFirst = leases.length === 1;
        const reply = await real();
        if (!isFirst) return reply;
        expect(reply.verdict).toBe('leased');
        granted();
        await mayArrive;
        return reply;
      });
      const calling = price === 0n ? freeOnce(agent) : callOnce(agent, price);
      await isGranted;
      expect(await setStatus(owner, 'frozen')).toMatchObject({
        acknowledged: [accountOf(agent)],
        silent: [],
      });
      arrive();
      expect(ruleOf(await calling)).toBe('frozen');
      expect(ruleOf(await freeOnce(agent))).toBe('frozen');
      const { credit } = await purseOf(owner);
      expect(credit).toBe(which === 'first' ? '10000' : '9990');
    },
  );
});

describe('a revocation', () => {
  test('of one grant stops the grants under it, and nothing else', async () => {
    const { owner, manager, agent, sibling, upper } = await fleetWith();
    const other = await enrol(owner, manager, { depth: 1 });
    expect(await revoke(owner, upper.delegation.id)).toMatchObject({ changed: true, silent: [] });
    const stopped = [
      await callOnce(manager, 10n, { authority: upper.hash }),
      await callOnce(agent, 10n),
    ];
    for (const verdict of stopped) {
      expect(denialOf(verdict)).toMatchObject({
        rule: 'revoked',
        account: accountOf(owner),
        grant: upper.hash,
        retryAllowed: false,
      });
    }
    for (const account of [owner, sibling]) expect(ruleOf(await callOnce(account, 10n))).toBe('go');
    // The manager's other grant still lives, named or not.
    expect(ruleOf(await callOnce(manager, 10n, { authority: other.hash }))).toBe('go');
    expect(ruleOf(await callOnce(manager, 10n))).toBe('go');
    await evictDurableObject(stubOf(manager));
    expect(ruleOf(await callOnce(manager, 10n))).toBe('go');
  });

  test('of every grant below an epoch stops those, and no newer one', async () => {
    const owner = await ownerWith(10_000n);
    const [old, young] = [randomHex(20), randomHex(20)];
    const grant = await enrol(owner, old, { epoch: 1n });
    await enrol(owner, young, { epoch: 2n });
    for (const agent of [old, young]) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const revoked = await revoke(owner, ZERO, 2n);
    if (revoked.verdict !== 'applied') throw new Error('not governed');
    expect(revoked.acknowledged).toContain(accountOf(old));
    expect(denialOf(await callOnce(old, 10n))).toMatchObject({
      rule: 'revoked',
      account: accountOf(owner),
      grant: grant.hash,
    });
    expect(ruleOf(await callOnce(young, 10n))).toBe('go');
    expect((await stubOf(owner).children(undefined, 10)).children).toHaveLength(2);
    const statuses = (await stubOf(owner).children(undefined, 10)).children.map((child) => [
      child.account,
      child.status,
    ]);
    expect(Object.fromEntries(statuses)).toEqual({
      [accountOf(old)]: 'revoked',
      [accountOf(young)]: 'active',
    });
  });

  test('by a manager of its own grant stops its descendants at once', async () => {
    const { manager, agent, upper, lower } = await branchWith(10_000n);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect(await revoke(manager, upper.delegation.id)).toMatchObject({
      acknowledged: [accountOf(agent)],
      silent: [],
    });
    expect(denialOf(await freeOnce(agent))).toMatchObject({
      rule: 'revoked',
      account: accountOf(manager),
      grant: lower.hash,
    });
  });

  test('during 500 calls in flight admits none after its acknowledgement, and every admitted call ends well', async () => {
    const owner = await ownerWith(1_000_000n, { windows: [{ every: LONG, limit: '900000u' }] });
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const admitted = (): Promise<number> => onDisk(agent, (disk) => disk.count(CALL));

    let went = 0;
    let revoked: ReturnType<typeof revoke> | undefined;
    let acknowledgedAt: Promise<number> | undefined;
    watchRecalls(async (_, real) => {
      const returned = await real();
      acknowledgedAt = admitted();
      return returned;
    });
    const calls = Array.from({ length: 500 }, () => ({
      call: intentCallOf(agent, { price: 10n, settlement: 'credit', audience: AUDIENCE }),
      attempt: randomHex(16),
    }));
    const verdicts = await Promise.all(
      calls.map(async ({ call, attempt }, at) => {
        // In waves, so that some calls are decided, some are being decided, and some are on their way.
        await pause(Math.floor(at / 25) * 4);
        const verdict = await stubOf(agent).reserve(call, attempt, {});
        if (verdict.verdict === 'go') went += 1;
        if (went >= 150) revoked ??= revoke(owner, grant.delegation.id);
        return verdict;
      }),
    );
    expect(await revoked).toMatchObject({ acknowledged: [accountOf(agent)], silent: [] });
    const gone = calls.filter((_, at) => verdicts[at]?.verdict === 'go');
    expect(gone.length).toBeGreaterThanOrEqual(150);
    expect(gone.length).toBeLessThan(500);
    // One call ran before; no call was admitted after the acknowledgement.
    expect(await acknowledgedAt).toBe(gone.length + 1);
    expect(await admitted()).toBe(gone.length + 1);
    const denials = verdicts.filter(({ verdict }) => verdict !== 'go').map(denialOf);
    // So many denials at once exceed their own rate, too.
    const paced = denials.filter(({ rule }) => rule === 'denial_rate');
    expect(denials.length - paced.length).toBeGreaterThanOrEqual(Math.min(denials.length, 300));
    for (const denial of denials.filter(({ rule }) => rule !== 'denial_rate')) {
      expect(denial).toMatchObject({ rule: 'revoked', account: accountOf(owner) });
    }
    for (const { call, attempt } of gone) {
      expect(await stubOf(agent).finish(call.call, attempt, success)).toMatchObject({
        state: 'committed',
        charged: 10n,
      });
    }
    const entries = await entriesOf(agent);
    for (const type of ['call.accepted', 'call.finished'] as const) {
      const logged = entries.filter((entry) => entry.type === type).map(({ call }) => call);
      expect(logged).toEqual(expect.arrayContaining(gone.map(({ call }) => call.call)));
      expect(logged).toHaveLength(gone.length + 1);
    }
  });
});
