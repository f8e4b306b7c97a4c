import { runDurableObjectAlarm } from 'cloudflare:test';
import { CALL } from '../../../../durable-objects/account/call/stored-call.ts';
import type { Noun } from '../../../../durable-objects/store/noun.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import {
  factsOf,
  intentCallOf,
  onDisk,
  randomHex,
  snapshotOf,
  stubOf,
  success,
} from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  enrol,
  limitOf,
  LONG,
  ownerWith,
  ruleOf,
  setStatus,
} from '../../tree-support.ts';
import { expect } from 'vitest';

export const windowOf = (limit: number) => ({ windows: [{ every: LONG, limit: `${limit}u` }] });
export const WINDOW = `window:${LONG}s`;

/** An owner with a window limit, and agents that are its children. */
export const fleetOf = async (size: number, limit: number, credit = 1_000_000n) => {
  const owner = await ownerWith(credit, windowOf(limit));
  const agents = Array.from({ length: size }, () => randomHex(20));
  const grants: Hex[] = [];
  for (const agent of agents) grants.push((await enrol(owner, agent)).hash);
  const [first = owner, second = owner] = agents;
  return { owner, agents, grants, first, second };
};

/** A running call that the test ends. */
export const begin = async (
  payer: Hex,
  price: bigint,
  changes: Parameters<typeof callOnce>[2] = {},
) => {
  const call = intentCallOf(payer, { price, settlement: 'credit', audience: AUDIENCE, ...changes });
  const attempt = randomHex(16);
  const verdict = await stubOf(payer).reserve(call, attempt, { facts: factsOf(0n) });
  expect(ruleOf(verdict)).toBe('go');
  return (outcome = success) => stubOf(payer).finish(call.id, attempt, outcome);
};

export const callsOf = (payer: Hex): Promise<number> => onDisk(payer, (disk) => disk.count(CALL));

/** Expects what the owner's window counts after every descendant has reported: only what was spent. */
export const expectSpent = async (owner: Hex, spent: number): Promise<void> => {
  // A push makes every descendant report.
  await setStatus(owner, 'paused');
  expect(await limitOf(owner, WINDOW)).toMatchObject({ spent: `${spent}`, held: '0' });
};

/** An owner, its manager, the manager's agent, a second agent of the owner, and an agent of another owner. All of them have made calls. */
export const fleetWith = async () => {
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

export const DAY = 86_400;

export const countOf = <Value, Fields extends string>(
  payer: Hex,
  noun: Noun<Value, Fields>,
): Promise<number> => onDisk(payer, (disk) => disk.count(noun));

/** Confirms that D1 has every entry and runs the alarm, so that the account has pruned everything it can. */
export const tidy = async (payer: Hex): Promise<void> => {
  await stubOf(payer).exported((await snapshotOf(payer)).seq);
  await runDurableObjectAlarm(stubOf(payer));
};
