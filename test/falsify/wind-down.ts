import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { nowSeconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import { windowName } from '../../src/policy/window.ts';
import type { AgentAccountRpc } from '../../src/protocol/account/rpc.ts';
import { ISSUED_LEASE, type IssuedLease } from '../../durable-objects/account/tree/issued-lease.ts';
import { accountOf, asset, onDisk, snapshotOf, stubOf } from '../durable-objects/support.ts';
import type { Clock } from './clock.ts';
import type { Fleet, Limit, Member } from './fleet.ts';
import type { Journal } from './journal.ts';
import type { Usage } from './measure.ts';
import type { Row } from './rows.ts';

/** Seconds; longer than any hold and any lease lasts. */
const LONGEST_HOLD = 75;

/** Runs every alarm itself, because the runtime does not know the moved clock. */
export const runAlarms = async ({ members }: Fleet): Promise<void> => {
  await Promise.all(members.map(async ({ payer }) => runDurableObjectAlarm(stubOf(payer))));
};

/** Moves the clock beyond every hold and lease, and runs the alarms, which end open calls and return unused shares. */
export const expireHolds = async (fleet: Fleet, clock: Clock, journal: Journal): Promise<void> => {
  clock.shift(LONGEST_HOLD);
  journal.moment();
  await runAlarms(fleet);
};

/** Recalls every unused share, one message after the other. A lease request alone recalls no more than it needs. */
export const recallAll = async ({ members }: Fleet): Promise<void> => {
  for (const { payer } of members) {
    for (const { child, issued, shares } of await leasesOf(payer)) {
      const childStub: Pick<AgentAccountRpc, 'recall'> = env.AGENT_ACCOUNT.getByName(child);
      const branches = { [issued]: { revision: 0, status: 'active', shares } } as const;
      const returned = await childStub.recall({ of: accountOf(payer), branches });
      if (returned.verdict !== 'returned')
        throw new Error(`${child} answered a recall with ${returned.verdict}`);
      await stubOf(payer).giveBack(child, returned.branches);
    }
  }
};

const leasesOf = (payer: Hex): Promise<readonly IssuedLease[]> =>
  onDisk(payer, (disk) => [...disk.find(ISSUED_LEASE)]);

/** Compares each account's own counters with its calls and those of its descendants. Describes every difference. */
export const contradictions = async (
  { members, limits }: Fleet,
  rows: readonly Row[],
  journal: Journal,
  usage: Usage,
): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const member of members) found.push(...(await ofOne(member, limits, rows, journal, usage)));
  return [...found, ...wrongCharges(rows, journal)];
};

/** Compares the charge of each metered stream with the rules of docs/tools.md. One whose hold expired before it ended costs nothing. */
const wrongCharges = (rows: readonly Row[], { calls }: Journal): readonly string[] =>
  rows.flatMap(({ id, state, charged }) => {
    const ruled = state === 'abandoned' ? 0n : calls.get(id)?.ruled;
    return ruled === undefined || charged === ruled
      ? []
      : [`${id}: the account charged ${charged} for a stream that costs ${ruled}`];
  });

const ofOne = async (
  { name, payer, credit }: Member,
  limits: readonly Limit[],
  rows: readonly Row[],
  journal: Journal,
  usage: Usage,
): Promise<readonly string[]> => {
  const found: string[] = [];
  const expect = (what: string, is: bigint, should: bigint): void => {
    if (is !== should)
      found.push(`${name}: the account reports ${what} ${is}, its calls ${should}`);
  };
  const purse = (await snapshotOf(payer)).purses[asset];
  const lent = rows.filter(({ id, lender }) => lender === payer && journal.calls.has(id));
  const sum = (list: readonly Row[], of: (row: Row) => bigint): bigint =>
    list.reduce((all, row) => all + of(row), 0n);
  const kept = sum(
    lent.filter((row) => row.kept || journal.calls.get(row.id)?.kept === true),
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
