import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { nowSeconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import { windowName } from '../../src/policy/window.ts';
import type { AgentAccountRpc } from '../../src/protocol/account/rpc.ts';
import { ISSUED_LEASE, type IssuedLease } from '../../durable-objects/account/tree/issued-lease.ts';
import { accountOf, asset, onDisk, snapshotOf, stubOf } from '../durable-objects/support.ts';
import type { Books } from './books.ts';
import type { Clock } from './clock.ts';
import type { Fleet, Limit, Member } from './fleet.ts';
import type { Usage } from './measure.ts';
import type { Row } from './rows.ts';

/** Longer than any hold, and than a lease. */
const REST = 75;

/** Every alarm rings: real ones do not know that the clock was moved on. */
export const ring = async ({ members }: Fleet): Promise<void> => {
  await Promise.all(members.map(async ({ payer }) => runDurableObjectAlarm(stubOf(payer))));
};

/** Time passes: calls that nobody ended are abandoned, and idle accounts give back what they have. */
export const rest = async (fleet: Fleet, clock: Clock, books: Books): Promise<void> => {
  clock.shift(REST);
  books.moment();
  await ring(fleet);
};

/** Every account takes back what those below it do not use, message by message: no lease request asks for more than can come back. */
export const recallAll = async ({ members }: Fleet): Promise<void> => {
  for (const { payer } of members) {
    for (const { child, issued, shares } of await leasesOf(payer)) {
      const below: Pick<AgentAccountRpc, 'recall'> = env.AGENT_ACCOUNT.getByName(child);
      const branches = { [issued]: { revision: 0, status: 'active', shares } } as const;
      const returned = await below.recall({ of: accountOf(payer), branches });
      if (returned.verdict !== 'returned') throw new Error(`a recall heard ${returned.verdict}`);
      await stubOf(payer).giveBack(child, returned.branches);
    }
  }
};

const leasesOf = (payer: Hex): Promise<readonly IssuedLease[]> =>
  onDisk(payer, (disk) => [...disk.find(ISSUED_LEASE)]);

/** What an account says of itself against what its calls, and those below it, say. Empty where both agree. */
export const contradictions = async (
  { members, limits }: Fleet,
  rows: readonly Row[],
  books: Books,
  usage: Usage,
): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const member of members) found.push(...(await ofOne(member, limits, rows, books, usage)));
  return found;
};

const ofOne = async (
  { name, payer, credit }: Member,
  limits: readonly Limit[],
  rows: readonly Row[],
  books: Books,
  usage: Usage,
): Promise<readonly string[]> => {
  const found: string[] = [];
  const expect = (what: string, is: bigint, should: bigint): void => {
    if (is !== should) found.push(`${name}: ${what} is ${is}, and should be ${should}`);
  };
  const purse = (await snapshotOf(payer)).purses[asset];
  const lent = rows.filter(({ id, lender }) => lender === payer && books.calls.has(id));
  const sum = (list: readonly Row[], of: (row: Row) => bigint): bigint =>
    list.reduce((all, row) => all + of(row), 0n);
  const kept = sum(
    lent.filter((row) => row.kept || books.calls.get(row.id)?.kept === true),
    ({ price }) => price,
  );
  expect('credit', BigInt(purse?.credit ?? 0), credit - sum(lent, ({ charged }) => charged));
  expect('credit in use', BigInt(purse?.creditHeld ?? 0) + BigInt(purse?.creditLent ?? 0), kept);
  const now = nowSeconds();
  for (const limit of limits.filter(({ of }) => of === payer)) {
    const named = limit.every === 'lifetime' ? 'lifetime' : `window:${windowName(limit.every)}`;
    const state = purse?.limits.find(
      (each) => each.rule.endsWith(named) && BigInt(each.limit) === limit.most,
    );
    const counted = BigInt(state?.spent ?? 0) + BigInt(state?.held ?? 0);
    expect(`${limit.every} of ${limit.most}`, counted, usage.used(limit, now));
  }
  return found;
};
