import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Param } from '../../../../src/protocol/account/call.ts';
import { accountOf, randomHex, stubOf } from '../../support.ts';
import {
  branchWith,
  callOnce,
  callWhile,
  denialOf,
  enrol,
  faultOf,
  freeOnce,
  limitOf,
  LONG,
  ownerWith,
  pass,
  restore,
  ruleOf,
  setPolicy,
  watchRecalls,
} from '../../tree-support.ts';
import { fleetWith, WINDOW, windowOf } from './fleets.ts';

afterEach(restore);

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
        // An account without a lease learns of the policy at its next request, and an account with a lease through a push.
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

  test('with a limit below what is lent is kept to the unit by what was lent before', async () => {
    const owner = await ownerWith(100_000n, windowOf(100_000));
    const agent = randomHex(20);
    await enrol(owner, agent);
    for (let i = 0; i < 9; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    const { spent, held } = await limitOf(owner, WINDOW);
    const lowered = Number(spent) + Number(held) - 1;
    // The push to the agent is lost. The agent sends a new lease request after its lease has ended.
    let isLost = true;
    watchRecalls((_, real) => (isLost ? Promise.resolve({ verdict: 'unavailable' }) : real()));
    await setPolicy(owner, windowOf(lowered));
    isLost = false;
    pass(61);
    const { went, denial } = await callWhile(agent, 1n);
    expect(denial?.rule).toBe('window');
    expect(90 + went).toBe(lowered);
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
