import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { periodOf } from '../../../../src/policy/window.ts';
import type { Share, Shares } from '../../../../src/protocol/account/lease.ts';
import { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import { ISSUED_GRANT } from '../../../../durable-objects/account/tree/grants.ts';
import {
  ISSUED_LEASE,
  type IssuedLease,
} from '../../../../durable-objects/account/tree/issued-lease.ts';
import { allReturned } from '../../../../durable-objects/account/tree/share.ts';
import { put } from '../../../../durable-objects/store/noun.ts';
import { accountOf, asset, purseOf, randomHex, stubOf, topUp } from '../../support.ts';
import {
  callOnce,
  callWhile,
  enrol,
  grantOf,
  limitOf,
  ownerWith,
  pass,
  putValues,
  register,
  restore,
  revoke,
  ruleOf,
  watchRecalls,
} from '../../tree-support.ts';
import { countOf, DAY, tidy, WINDOW, windowOf } from './fleets.ts';

afterEach(restore);

describe('shares that one idle agent holds', () => {
  const share = (start: number, granted: bigint, spent = 0n): Share => ({
    start,
    granted,
    spent,
    returned: 0n,
    held: 0n,
  });
  const lastHour = (): Share => share(periodOf('hour', nowSeconds()).start - 3_600, 9_000n);
  const kinds: readonly (readonly [string, () => Shares])[] = [
    ['unused shares of the last hour', () => ({ hour: lastHour() })],
    ['those, and spent credit', () => ({ hour: lastHour(), credit: share(0, 50n, 50n) })],
    ['those, and one unit of credit each', () => ({ hour: lastHour(), credit: share(0, 1n) })],
  ];

  test.for(kinds)('are found behind 64 sleeping agents with %s', async ([, shares]) => {
    const owner = await ownerWith(1_000_000n, windowOf(10_000));
    const [holder, ninth] = [randomHex(20), randomHex(20)];
    for (const agent of [holder, ninth]) {
      await topUp(agent, 100_000n);
      expect(await register(grantOf(owner, agent))).toMatchObject({ verdict: 'applied' });
    }
    for (let i = 0; i < 8; i += 1) expect(ruleOf(await callOnce(holder, 10n))).toBe('go');
    const sleepers = Array.from({ length: 64 }, (): IssuedLease => ({
      child: accountOf(randomHex(20)),
      issued: randomHex(32),
      asset,
      until: nowSeconds() - 60,
      shares: shares(),
    }));
    await putValues(
      owner,
      sleepers.map((lease) => put(ISSUED_LEASE, lease)),
    );
    const { remaining } = await limitOf(owner, WINDOW);
    const recalls = watchRecalls(({ to, message }, real) => {
      if (to === accountOf(holder)) return real();
      const branches = Object.entries(message.branches).map(([issued, branch]) => [
        issued,
        allReturned(branch.shares),
      ]);
      return Promise.resolve({ verdict: 'returned', branches: Object.fromEntries(branches) });
    });
    expect(ruleOf(await callOnce(ninth, BigInt(remaining) + 3n))).toBe('go');
    expect(recalls.map(({ to }) => to)).toContain(accountOf(holder));
  });
});

describe('lent credit of an agent that ended', () => {
  /** An agent with some unused lent credit. Its report of the return may be lost. */
  const lent = async (gives: 'in time' | 'in vain' | 'nothing', changes = {}) => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent, changes);
    for (let i = 0; i < 9; i += 1) expect(ruleOf(await callOnce(agent, 10n))).toBe('go');
    expect((await purseOf(owner)).creditLent).not.toBe('0');
    if (gives !== 'nothing') {
      const spy = vi.spyOn(AgentAccount.prototype, 'giveBack');
      if (gives === 'in vain') spy.mockResolvedValue({ verdict: 'unavailable' });
      pass(70);
      await runDurableObjectAlarm(stubOf(agent));
      expect(spy).toHaveBeenCalledTimes(1);
      spy.mockRestore();
    }
    return { owner, agent, grant };
  };

  test('is returned with the revocation of its grant', async () => {
    const { owner, agent, grant } = await lent('nothing');
    expect(await revoke(owner, grant.delegation.id)).toMatchObject({
      acknowledged: [accountOf(agent)],
    });
    expect(await purseOf(owner)).toMatchObject({ credit: '9910', creditLent: '0' });
  });

  test('is returned by the next recall when the report of the return was lost', async () => {
    const { owner, grant } = await lent('in vain');
    expect((await purseOf(owner)).creditLent).not.toBe('0');
    await revoke(owner, grant.delegation.id);
    expect(ruleOf(await callOnce(owner, 9_910n))).toBe('go');
    expect(await purseOf(owner)).toMatchObject({ credit: '0', creditLent: '0' });
  });

  test('keeps its lease stored as long as the credit can still be returned', async () => {
    const { owner } = await lent('in vain', { validUntil: BigInt(nowSeconds() + 3_600) });
    const { creditLent } = await purseOf(owner);
    expect(creditLent).not.toBe('0');
    pass(33 * DAY);
    await tidy(owner);
    expect(await countOf(owner, ISSUED_GRANT)).toBe(0);
    expect(await countOf(owner, ISSUED_LEASE)).toBe(1);
    expect((await purseOf(owner)).creditLent).toBe(creditLent);
    expect(ruleOf(await callOnce(owner, 9_910n))).toBe('go');
    expect(await purseOf(owner)).toMatchObject({ credit: '0', creditLent: '0' });
    // Nothing is outstanding now, so the owner prunes the row: its number of rows is bounded.
    pass(2 * DAY);
    await tidy(owner);
    expect(await countOf(owner, ISSUED_LEASE)).toBe(0);
  });

  test('leaves no row when it was returned in time', async () => {
    const { owner } = await lent('in time', { validUntil: BigInt(nowSeconds() + 3_600) });
    expect(await purseOf(owner)).toMatchObject({ credit: '9910', creditLent: '0' });
    pass(33 * DAY);
    await tidy(owner);
    expect(await countOf(owner, ISSUED_LEASE)).toBe(0);
  });

  test('is returned up to what was not spent, even if the agent forgot its grant meanwhile', async () => {
    const owner = await ownerWith(10_000n, { lifetime: '5000u' });
    const agent = randomHex(20);
    await enrol(owner, agent, { validUntil: BigInt(nowSeconds() + 3_600) });
    // The last calls used the share that the agent already held, so the owner has no report of them.
    const { went } = await callWhile(agent, 10n, 21);
    const { spent: heard } = await limitOf(owner, 'lifetime');
    const spent = 10n * BigInt(went);
    expect(BigInt(heard)).toBeLessThan(spent);
    pass(70);
    await runDurableObjectAlarm(stubOf(agent));
    pass(2 * 3_600 + 100);
    await tidy(agent);
    // The call needs one unit more than remains, so the owner recalls unused shares from every descendant.
    expect(ruleOf(await callOnce(owner, 5_000n - spent + 1n))).toBe('lifetime');
    const { credit, creditLent } = await purseOf(owner);
    expect(BigInt(credit) - BigInt(creditLent)).toBeLessThanOrEqual(10_000n - spent);
  });
});
