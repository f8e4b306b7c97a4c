import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkClosedLease } from '../../../../src/audit/verify/closed-lease.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Shares } from '../../../../src/protocol/account/lease.ts';
import { accountOf, asset, entriesOf, onDisk, randomHex, stubOf } from '../../support.ts';
import { leaseOf } from '../../../../durable-objects/account/tree/issued-lease.ts';
import {
  callOnce,
  enrol,
  freeze,
  ownerWith,
  pass,
  putToSleep,
  restore,
  rowsOf,
  ruleOf,
} from '../../tree-support.ts';

const HOUR = 3_600;

beforeEach(() => {
  freeze();
  // Moves to the first minute of an hour that is not the last of its day.
  const past = nowSeconds() % (24 * HOUR);
  pass((past > 22 * HOUR ? 24 * HOUR - past : HOUR - (past % HOUR)) + 30);
});
afterEach(restore);

const hourly = { windows: [{ every: 'hour', limit: '10000u' }] };

type Totals = Readonly<Record<'name' | 'granted' | 'returned' | 'spent', string>> & {
  readonly start: number;
};

const closedOf = async (lender: Hex) =>
  (await entriesOf(lender)).filter(({ type }) => type === 'lease.closed');

const countersOf = (entries: Awaited<ReturnType<typeof closedOf>>): readonly Totals[] =>
  entries.flatMap(({ outcome }) => outcome?.['counters'] as unknown as readonly Totals[]);

/** The sum of the calls that an account made in one hour. */
const spentIn = async (payer: Hex, start: number): Promise<bigint> =>
  (await entriesOf(payer))
    .filter(({ type, at }) => type === 'call.accepted' && at >= start && at < start + HOUR)
    .reduce((sum, { amounts }) => sum + BigInt(amounts?.['price'] ?? 0), 0n);

describe('a lease whose period is over', () => {
  test('leaves its totals in the log of the lender, once, with the lease of the next period', async () => {
    const owner = await ownerWith(1_000_000n, hourly);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    for (let at = 0; at < 3; at += 1) expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
    expect(await closedOf(owner)).toEqual([]);
    const start = nowSeconds() - (nowSeconds() % HOUR);
    pass(HOUR);
    for (let at = 0; at < 3; at += 1) expect(ruleOf(await callOnce(agent, 50n))).toBe('go');
    await putToSleep(owner);
    const closed = await closedOf(owner);
    expect(closed).toMatchObject([{ payment: { asset, to: accountOf(agent), grant: grant.hash } }]);
    expect(closed.map((entry) => checkClosedLease(entry).ok)).toEqual([true]);
    const [hour, ...others] = countersOf(closed);
    expect(others).toEqual([]);
    expect(hour).toMatchObject({ name: 'hour', start });
    const spent = await spentIn(agent, start);
    expect(spent).toBe(300n);
    expect(BigInt(hour?.spent ?? 0)).toBe(spent);
    expect(BigInt(hour?.granted ?? 0) - BigInt(hour?.returned ?? 0)).toBeGreaterThanOrEqual(spent);
    pass(HOUR);
    await callOnce(agent, 50n);
    expect(countersOf(await closedOf(owner)).map((each) => each.start)).toEqual([
      start,
      start + HOUR,
    ]);
  });

  test('costs the lender no row more than any other lease', async () => {
    const owner = await ownerWith(1_000_000n, hourly);
    const agent = randomHex(20);
    await enrol(owner, agent);
    await callOnce(agent, 100n);
    const during = async (seconds: number): Promise<number> => {
      pass(seconds);
      const before = await rowsOf(owner);
      expect(ruleOf(await callOnce(agent, 100n))).toBe('go');
      return (await rowsOf(owner)) - before;
    };
    const sameHour = await during(120);
    expect(await closedOf(owner)).toHaveLength(0);
    expect(await during(HOUR)).toBeLessThanOrEqual(sameHour);
    expect(await closedOf(owner)).toHaveLength(1);
  });

  test('is closed by a late report of its borrower, with what that reports, and not by a repeat', async () => {
    const owner = await ownerWith(1_000_000n, hourly);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent);
    await callOnce(agent, 100n);
    const lease = await onDisk(owner, (disk) => leaseOf(disk, accountOf(agent), grant.hash));
    const { hour } = lease?.shares ?? {};
    if (hour === undefined) throw new Error('nothing was lent');
    pass(3 * HOUR);
    const shares: Shares = { hour: { ...hour, spent: 100n, held: 0n, returned: hour.granted } };
    for (let sent = 0; sent < 3; sent += 1) {
      await stubOf(owner).giveBack(accountOf(agent), { [grant.hash]: shares });
    }
    expect(countersOf(await closedOf(owner))).toEqual([
      {
        ...{ name: 'hour', start: hour.start, granted: hour.granted.toString() },
        // Attack: a borrower reports that it returns an amount that it has spent.
        ...{ returned: (hour.granted - 100n).toString(), spent: '100' },
      },
    ]);
  });

  test('of which nothing was lent leaves no entry', async () => {
    const owner = await ownerWith(1_000_000n, hourly);
    const agent = randomHex(20);
    await enrol(owner, agent);
    await callOnce(agent, 0n, { settlement: 'free' });
    pass(HOUR);
    await callOnce(agent, 100n);
    expect(await closedOf(owner)).toEqual([]);
  });
});
