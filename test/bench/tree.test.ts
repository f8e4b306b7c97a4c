import { expect, inject, test } from 'vitest';
import type { Hex } from '../../src/core/hex.ts';
import { randomHex, topUp } from '../durable-objects/support.ts';
import {
  callOnce,
  enrol,
  ruleOf,
  setPolicy,
  watchLeases,
} from '../durable-objects/tree-support.ts';
import { ACCOUNTS, type BenchOptions } from './rounds.ts';

const CREDIT = 1_000_000_000n;
const LIMITS = { windows: [{ every: 'day', limit: '500000000u' }], lifetime: '600000000u' };
const PRICE = 10n;

const { rounds, calls } = JSON.parse(inject('options')) as BenchOptions;

/** Without a rate: an account is called as fast as it answers. */
const open = async (policy: object, credit: bigint): Promise<Hex> => {
  const payer = randomHex(20);
  await setPolicy(payer, policy);
  await topUp(payer, credit);
  return payer;
};

const below = async (owner: Hex): Promise<Hex> => {
  const payer = randomHex(20);
  await enrol(owner, payer);
  await setPolicy(payer, {});
  return payer;
};

/** All at once, each one call after the other: reserved, and finished. Calls a second. */
const round = async (payers: readonly Hex[]): Promise<number> => {
  const began = performance.now();
  await Promise.all(
    payers.map(async (payer) => {
      for (let made = 0; made < calls; made += 1) {
        const rule = ruleOf(await callOnce(payer, PRICE));
        if (rule !== 'go') throw new Error(`a call that can be paid heard ${rule}`);
      }
    }),
  );
  return (payers.length * calls * 1_000) / (performance.now() - began);
};

test(`${ACCOUNTS} accounts below one owner, and as many that stand alone`, async ({ task }) => {
  const owner = await open(LIMITS, CREDIT);
  const children: Hex[] = [];
  const singles: Hex[] = [];
  for (let made = 0; made < ACCOUNTS; made += 1) {
    children.push(await below(owner));
    singles.push(await open(LIMITS, CREDIT / 100n));
  }
  // The first calls of each are not counted: everybody wakes up, and a child gets its first lease.
  await round(children);
  await round(singles);

  const asked = watchLeases();
  const inTree: number[] = [];
  const alone: number[] = [];
  for (let number = 1; number <= rounds; number += 1) {
    inTree.push(await round(children));
    alone.push(await round(singles));
    console.log(
      `round ${number} of ${rounds}: ${inTree.at(-1)?.toFixed(0)} below one owner, ${alone.at(-1)?.toFixed(0)} alone`,
    );
  }
  task.meta.rounds = { below: inTree, alone, asked: asked.length / (rounds * calls * ACCOUNTS) };
  expect(inTree).toHaveLength(rounds);
});
