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

/** Creates an account without a rate limit. */
const open = async (policy: object, credit: bigint): Promise<Hex> => {
  const payer = randomHex(20);
  await setPolicy(payer, policy);
  await topUp(payer, credit);
  return payer;
};

const childOf = async (owner: Hex): Promise<Hex> => {
  const payer = randomHex(20);
  await enrol(owner, payer);
  await setPolicy(payer, {});
  return payer;
};

/** Calls all accounts concurrently, each in sequence. @returns calls a second. */
const round = async (payers: readonly Hex[]): Promise<number> => {
  const began = performance.now();
  await Promise.all(
    payers.map(async (payer) => {
      for (let made = 0; made < calls; made += 1) {
        const rule = ruleOf(await callOnce(payer, PRICE));
        if (rule !== 'go') throw new Error(`a payable call received ${rule}`);
      }
    }),
  );
  return (payers.length * calls * 1_000) / (performance.now() - began);
};

test(`measures ${ACCOUNTS} accounts with and without a common owner`, async ({ task }) => {
  const owner = await open(LIMITS, CREDIT);
  const children: Hex[] = [];
  const singles: Hex[] = [];
  for (let made = 0; made < ACCOUNTS; made += 1) {
    children.push(await childOf(owner));
    singles.push(await open(LIMITS, CREDIT / 100n));
  }
  // Not counted: the objects wake up, and children get their first leases.
  await round(children);
  await round(singles);

  const leases = watchLeases();
  const inTree: number[] = [];
  const alone: number[] = [];
  for (let number = 1; number <= rounds; number += 1) {
    inTree.push(await round(children));
    alone.push(await round(singles));
    console.log(
      `round ${number} of ${rounds}: ${inTree.at(-1)?.toFixed(0)} calls a second with a common owner, ${alone.at(-1)?.toFixed(0)} without`,
    );
  }
  task.meta.rounds = {
    children: inTree,
    alone,
    ownerRequests: leases.length / (rounds * calls * ACCOUNTS),
  };
  expect(inTree).toHaveLength(rounds);
});
