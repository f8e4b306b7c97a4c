import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Evidence, Param } from '../../../../src/protocol/account/call.ts';
import type { SignedGrant } from '../../../../src/protocol/account/grant.ts';
import type { ReserveVerdict } from '../../../../src/protocol/account/reserve.ts';
import type { Status } from '../../../../src/protocol/account/status.ts';
import { CALL } from '../../../../durable-objects/account/call/call-noun.ts';
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
  tablesOf,
} from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  denialOf,
  enrol,
  faultOf,
  freeOnce,
  grantOf,
  LONG,
  ownerWith,
  pass,
  pause,
  register,
  restore,
  revoke,
  rowsOf,
  ruleOf,
  setPolicy,
  setStatus,
  watchLeases,
  watchRecalls,
  ZERO,
} from '../../tree-support.ts';

afterEach(restore);

/** An owner, its manager with an agent, a second agent of the owner's own, and another owner's agent; all have called. */
const fleetWith = async () => {
  const { owner, manager, agent, ...grants } = await branchWith(100_000n);
  const sibling = randomHex(20);
  await enrol(owner, sibling);
  const stranger = await ownerWith(100_000n);
  const theirs = randomHex(20);
  await enrol(stranger, theirs);
  const all = { owner, manager, agent, sibling, theirs };
  for (const each of Object.values(all)) expect(ruleOf(await callOnce(each, 10n))).toBe('go');
  return { all, ...all, ...grants };
};

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

const found = (value: string): Param => ({ found: true, value });

describe('a policy of an ancestor', () => {
  const policies: readonly (readonly [
    string,
    object,
    { readonly rule: string; readonly param?: string },
    Parameters<typeof callOnce>[2],
  ])[] = [
    ['tools', { tools: ['search'] }, { rule: 'tool' }, {}],
    ['per call', { perCall: '9u' }, { rule: 'per_call' }, {}],
    ['payees', { payees: [`0x${'aa'.repeat(20)}`] }, { rule: 'payee' }, {}],
    ['a binding', { binding: 'intent' }, { rule: 'binding' }, { binding: 'none' }],
    ['its end', { validUntil: 1_000 }, { rule: 'expired' }, {}],
    [
      'a deny rule',
      { deny: [{ param: 'to', op: 'eq', value: 'evil' }] },
      { rule: 'deny', param: 'to' },
      { params: { to: found('evil') } },
    ],
    [
      'a deny rule on a parameter that the tool does not declare',
      { deny: [{ param: 'to', op: 'eq', value: 'evil' }] },
      { rule: 'deny', param: 'to' },
      { params: {} },
    ],
    [
      'a require rule',
      { require: [{ param: 'to', op: 'startsWith', value: 'https://' }] },
      { rule: 'require', param: 'to' },
      { params: { to: found('http://a.example') } },
    ],
  ];

  test.for(policies)(
    'binds every descendant, and the denial names it: %s',
    async ([, policy, rule, changes]) => {
      for (const slot of ['operator', 'owner'] as const) {
        const { owner, manager, agent } = await branchWith(1_000n);
        // An account without a lease learns the policy with its request, one with a lease by a push.
        for (const warm of [false, true]) {
          await setPolicy(owner, null, slot);
          const fits = { params: { to: found('https://good.example') } };
          if (warm) expect(ruleOf(await callOnce(agent, 10n, fits))).toBe('go');
          const notified = warm ? [accountOf(agent)] : [];
          expect(await setPolicy(owner, policy, slot)).toMatchObject({ acknowledged: notified });
          for (const account of [owner, manager, agent]) {
            const denial = denialOf(await callOnce(account, 10n, changes));
            expect(denial).toMatchObject({ ...rule, account: accountOf(owner) });
          }
          pass(70);
        }
      }
    },
  );

  test('allows what its rules allow', async () => {
    const { owner, agent } = await branchWith(1_000n);
    await setPolicy(owner, {
      tools: ['look*', 'lookup'].slice(1),
      perCall: '10u',
      deny: [{ param: 'to', op: 'eq', value: 'evil' }],
    });
    const params = { to: found('good') };
    expect(ruleOf(await callOnce(agent, 10n, { params }))).toBe('go');
    expect(ruleOf(await callOnce(agent, 11n, { params }))).toBe('per_call');
  });

  test('of a manager binds its agents, and no other agent of its owner', async () => {
    const { manager, agent, sibling } = await fleetWith();
    expect(await setPolicy(manager, { tools: ['search'] }, 'owner')).toMatchObject({
      acknowledged: [accountOf(agent)],
    });
    expect(denialOf(await callOnce(agent, 10n))).toMatchObject({
      rule: 'tool',
      account: accountOf(manager),
    });
    expect(ruleOf(await callOnce(sibling, 10n))).toBe('go');
  });

  test('that is written while an agent has a lease counts earlier spend', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    await enrol(owner, agent);
    await setPolicy(owner, { windows: [{ every: LONG, limit: '1000u' }] });
    for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    await setPolicy(owner, { windows: [{ every: LONG, limit: '550u' }] });
    const denial = denialOf(await callOnce(agent, 100n));
    expect(denial).toMatchObject({
      rule: 'window',
      account: accountOf(owner),
      limit: { rule: `window:${LONG}s`, limit: '550', spent: '500', held: '0', remaining: '50' },
      retryAllowed: true,
    });
    expect(denial.retryAfter).toBeGreaterThan(0);
    const late = nowSeconds() + (denial.retryAfter ?? 0) - (denial.limit?.resetsAt ?? 0);
    expect([0, 1, 2]).toContain(late);
    expect(ruleOf(await callOnce(agent, 50n))).toBe('go');
  });

  test('that does not parse is rejected and changes nothing', async () => {
    const { owner, agent } = await branchWith(1_000n);
    expect(faultOf(await setPolicy(owner, { perCal: '10' }))).toMatchObject({
      reason: 'malformed_policy',
      field: 'perCal',
    });
    expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
  });

  test('is pushed to every holder of a lease, also for calls that need no share', async () => {
    const { owner, agent } = await branchWith(1_000n);
    expect(ruleOf(await freeOnce(agent))).toBe('go');
    expect(await setPolicy(owner, { tools: ['search'] })).toMatchObject({
      acknowledged: [accountOf(agent)],
    });
    expect(denialOf(await freeOnce(agent))).toMatchObject({
      rule: 'tool',
      account: accountOf(owner),
    });
    expect(await setPolicy(owner, null)).toMatchObject({ acknowledged: [accountOf(agent)] });
    expect(ruleOf(await freeOnce(agent))).toBe('go');
  });

  test('binds no account after its removal, even if a push failed', async () => {
    const { owner, agent } = await branchWith(1_000n);
    await setPolicy(owner, { tools: ['search'] });
    expect(ruleOf(await callOnce(agent, 10n))).toBe('tool');
    pass(70);
    expect(await setPolicy(owner, null)).toMatchObject({ acknowledged: [] });
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
  });

  test('changes nothing when it is written again, and binds no account after its removal', async () => {
    const { owner, agent } = await branchWith(1_000n);
    const policy = { tools: ['search'] };
    expect(await setPolicy(owner, policy)).toMatchObject({ changed: true });
    expect(await setPolicy(owner, policy)).toMatchObject({ changed: false });
    expect(ruleOf(await callOnce(agent, 10n))).toBe('tool');
    expect(await setPolicy(owner, null)).toMatchObject({ changed: true });
    expect(await setPolicy(owner, null)).toMatchObject({ changed: false });
    await evictDurableObject(stubOf(agent));
    expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
  });
});

describe('a grant whose issuer is a contract', () => {
  const byContract = (grant: SignedGrant): SignedGrant => ({ ...grant, contractCheckedAt: 7 });
  /** A Worker that knows grants reads parameters; an older one does not, and would not know the word for what is asked. */
  const ask = (
    agent: Hex,
    evidence: Evidence = {},
    release: Parameters<typeof callOnce>[2] = { params: {} },
  ): Promise<ReserveVerdict> => {
    const call = intentCallOf(agent, {
      price: 10n,
      settlement: 'credit',
      audience: AUDIENCE,
      ...release,
    });
    return stubOf(agent).reserve(call, randomHex(16), { facts: factsOf(0n), ...evidence });
  };
  const proofOf = ({ hash, delegation, signature }: SignedGrant) => ({
    hash,
    issuer: delegation.issuer,
    signature,
  });
  const vouched = (grants: readonly SignedGrant[], valid = true): Evidence => ({
    grants: grants.map(({ hash }) => ({ hash, valid, at: nowSeconds() })),
  });

  test('needs its issuer’s confirmation, at most 60 s old, when it is used', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = byContract(grantOf(owner, agent));
    expect((await register(grant)).verdict).toBe('applied');
    const before = await rowsOf(agent);
    expect(await ask(agent)).toEqual({ verdict: 'stale_grant', proofs: [proofOf(grant)] });
    expect(await rowsOf(agent)).toBe(before);
    expect((await ask(agent, vouched([grant]))).verdict).toBe('go');
    expect((await ask(agent)).verdict).toBe('go');
    pass(50);
    expect((await ask(agent)).verdict).toBe('go');
    pass(10);
    expect((await ask(agent)).verdict).toBe('stale_grant');
    expect((await ask(agent, vouched([grant]))).verdict).toBe('go');
    // A confirmation is not stored: a restarted account requests it again.
    await evictDurableObject(stubOf(agent));
    expect((await ask(agent)).verdict).toBe('stale_grant');
  });

  test('is denied once its issuer no longer confirms it', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = byContract(grantOf(owner, agent));
    await register(grant);
    expect((await ask(agent, vouched([grant]))).verdict).toBe('go');
    pass(61);
    expect((await ask(agent)).verdict).toBe('stale_grant');
    expect(denialOf(await ask(agent, vouched([grant], false)))).toMatchObject({
      rule: 'revoked',
      account: accountOf(owner),
      grant: grant.hash,
      retryAllowed: false,
    });
    // The refusal is not stored: a contract may confirm its signature again.
    expect((await ask(agent, vouched([grant]))).verdict).toBe('go');
  });

  test('needs a confirmation of every contract issuer in its chain, requested at once', async () => {
    const owner = await ownerWith(10_000n);
    const [manager, agent] = [randomHex(20), randomHex(20)];
    const upper = byContract(grantOf(owner, manager, { depth: 1 }));
    await register(upper);
    const lower = byContract(grantOf(manager, agent, { parent: upper.hash }));
    await register(lower);
    expect(await ask(agent)).toEqual({
      verdict: 'stale_grant',
      proofs: [proofOf(lower), proofOf(upper)],
    });
    expect(await ask(agent, vouched([lower]))).toEqual({
      verdict: 'stale_grant',
      proofs: [proofOf(upper)],
    });
    const half = {
      grants: [...(vouched([lower]).grants ?? []), ...(vouched([upper], false).grants ?? [])],
    };
    expect(denialOf(await ask(agent, half))).toMatchObject({
      rule: 'revoked',
      account: accountOf(owner),
      grant: upper.hash,
    });
    expect((await ask(agent, vouched([upper, lower]))).verdict).toBe('go');
  });
});

describe('a dry run', () => {
  const dry = async (
    payer: Hex,
    price: bigint,
    changes: Parameters<typeof callOnce>[2] = {},
  ): Promise<ReserveVerdict> => {
    const call = intentCallOf(payer, {
      price,
      settlement: 'credit',
      audience: AUDIENCE,
      dryRun: true,
      ...changes,
    });
    const verdict = await stubOf(payer).reserve(call, randomHex(16), {});
    return verdict.verdict === 'stale_payer'
      ? stubOf(payer).reserve(call, randomHex(16), { facts: factsOf(0n) })
      : verdict;
  };
  const rowsOfAll = (accounts: readonly Hex[]): Promise<number[]> =>
    Promise.all(accounts.map(rowsOf));

  test('answers go, and writes, reserves, leases and counts nothing: the same call then runs', async () => {
    const { owner, manager, agent } = await branchWith(1_000n, {
      windows: [{ every: LONG, limit: '1000u' }],
    });
    const all = [owner, manager, agent];
    const id = randomHex(32);
    for (const round of ['cold', 'warm']) {
      if (round === 'warm') expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
      const before = await rowsOfAll(all);
      const purse = await purseOf(owner);
      for (let i = 0; i < 3; i += 1) {
        expect(await dry(agent, 900n, { call: id })).toMatchObject({
          verdict: 'dry_run',
          decision: 'go',
          paidFrom: 'credit',
        });
      }
      expect(await rowsOfAll(all)).toEqual(before);
      expect(await purseOf(owner)).toEqual(purse);
    }
    expect(ruleOf(await callOnce(agent, 900n, { call: id }))).toBe('go');
    expect(ruleOf(await callOnce(agent, 1n))).toBe('window');
  });

  test('of a stranger creates no table', async () => {
    const stranger = randomHex(20);
    expect(ruleOf(await dry(stranger, 10n))).toBe('credit');
    expect(ruleOf(await dry(stranger, 0n, { settlement: 'free' }))).toBe('penniless');
    expect(await tablesOf(stranger)).toEqual([]);
    expect(await rowsOf(stranger)).toBe(0);
  });

  test('of a call that ran returns its outcome to the holder of its secret, and `used` to others', async () => {
    const owner = await ownerWith(1_000n);
    const call = randomHex(32);
    expect(ruleOf(await callOnce(owner, 10n, { call }))).toBe('go');
    const before = await rowsOf(owner);
    expect((await dry(owner, 10n, { call, showsSecret: true })).verdict).toBe('stored');
    expect((await dry(owner, 10n, { call })).verdict).toBe('already_used');
    expect(await rowsOf(owner)).toBe(before);
  });

  const refusals: readonly (readonly [
    string,
    (tree: Awaited<ReturnType<typeof branchWith>>) => Promise<unknown>,
    Parameters<typeof callOnce>[2],
  ])[] = [
    ['a frozen owner', ({ owner }) => setStatus(owner, 'frozen'), {}],
    ['a paused manager', ({ manager }) => setStatus(manager, 'paused'), {}],
    ['a frozen agent', ({ agent }) => setStatus(agent, 'frozen'), {}],
    ['a revoked grant', ({ owner, upper }) => revoke(owner, upper.delegation.id), {}],
    ['tools above', ({ owner }) => setPolicy(owner, { tools: ['search'] }), {}],
    ['a price above', ({ manager }) => setPolicy(manager, { perCall: '99u' }, 'owner'), {}],
    [
      'a deny rule of an ancestor',
      ({ owner }) => setPolicy(owner, { deny: [{ param: 'to', op: 'eq', value: 'evil' }] }),
      { params: { to: found('evil') } },
    ],
    [
      'a window of an ancestor',
      ({ owner }) => setPolicy(owner, { windows: [{ every: LONG, limit: '99u' }] }),
      {},
    ],
    ['a lifetime above', ({ manager }) => setPolicy(manager, { lifetime: '99u' }), {}],
    ['its own policy', ({ agent }) => setPolicy(agent, { perCall: '99u' }), {}],
    ['an authority it does not hold', () => Promise.resolve(), { authority: randomHex(32) }],
    ['more credit than any account has', ({ owner }) => callOnce(owner, 950n), {}],
  ];

  test.for(refusals)(
    'is denied like the call itself, with or without a lease: %s',
    async (each) => {
      const [, prepare, changes] = each;
      for (const warm of [false, true]) {
        const tree = await branchWith(1_000n);
        const { owner, manager, agent } = tree;
        if (warm) {
          const params = { to: found('good') };
          expect(ruleOf(await callOnce(agent, 1n, { params }))).toBe('go');
        }
        await prepare(tree);
        const all = [owner, manager, agent];
        const before = await rowsOfAll(all);
        const rehearsed = denialOf(await dry(agent, 100n, changes));
        expect(await rowsOfAll(all)).toEqual(before);
        const real = denialOf(await callOnce(agent, 100n, changes));
        const essence = ({
          rule,
          account,
          grant,
          param,
          retryAllowed,
          limit,
        }: typeof rehearsed) => ({
          rule,
          account,
          grant,
          param,
          retryAllowed,
          limit,
        });
        expect(essence(rehearsed)).toEqual(essence(real));
      }
    },
  );

  test('counts unused shares of siblings as remaining', async () => {
    const owner = await ownerWith(10_000n, { windows: [{ every: LONG, limit: '1000u' }] });
    const [first, second] = [randomHex(20), randomHex(20)];
    for (const agent of [first, second]) await enrol(owner, agent);
    // The first agent holds more than it needs.
    for (let i = 0; i < 5; i += 1) expect(ruleOf(await callOnce(first, 10n))).toBe('go');
    // 50 are spent, so 950 remain, whichever account holds them.
    expect(await dry(second, 950n)).toMatchObject({ verdict: 'dry_run', decision: 'go' });
    expect(ruleOf(await dry(second, 951n))).toBe('window');
    expect(await dry(owner, 950n)).toMatchObject({ verdict: 'dry_run', decision: 'go' });
    // The dry run took nothing: the first agent continues, and the second gets the rest.
    expect(ruleOf(await callOnce(first, 10n))).toBe('go');
    expect(ruleOf(await callOnce(second, 940n))).toBe('go');
    expect(ruleOf(await callOnce(first, 1n))).toBe('window');
  });
});
