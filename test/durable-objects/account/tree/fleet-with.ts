import { expect } from 'vitest';
import { randomHex } from '../../support.ts';
import { branchWith, callOnce, enrol, ownerWith, ruleOf } from '../../tree-support.ts';

/** An owner, its manager with an agent, a second agent of the owner's own, and another owner's agent; all have called. */
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
