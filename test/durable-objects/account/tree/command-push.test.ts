import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { accountOf, purseOf, randomHex, stubOf } from '../../support.ts';
import {
  callOnce,
  denialOf,
  enrol,
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
} from '../../tree-support.ts';

afterEach(restore);

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
    // The push was lost, so the lease still lets the agent decide calls.
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
