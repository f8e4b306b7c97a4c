import { afterEach, describe, expect, test } from 'vitest';
import type { Ledger } from '../../../../durable-objects/account/ledger.ts';
import { openRecalls } from '../../../../durable-objects/account/tree/recalls.ts';
import { accountOf, randomHex } from '../../support.ts';
import {
  callOnce,
  denialOf,
  enrol,
  ownerWith,
  restore,
  ruleOf,
  watchRecalls,
} from '../../tree-support.ts';
import { windowOf } from './fleets.ts';

afterEach(restore);

describe('a recall round that fails', () => {
  test('does not break later rounds, nor a caller that waits for the next one', async () => {
    let fails = true;
    let rounds = 0;
    const disk = {
      find: () => {
        rounds += 1;
        if (fails) throw new Error('disk');
        return [];
      },
    };
    const ledger: unknown = {
      disk: () => disk,
      submit: (_: unknown, refused: unknown) => Promise.resolve(refused),
    };
    const recalls = openRecalls(accountOf(randomHex(20)), ledger as Ledger, () => {
      throw new Error('no such object');
    });
    expect(await Promise.all([recalls.round(), recalls.round()])).toEqual([0, 0]);
    expect(rounds).toBe(2);
    fails = false;
    for (let i = 0; i < 3; i += 1) {
      expect(await Promise.all([recalls.round(), recalls.round()])).toEqual([0, 0]);
    }
    expect(rounds).toBe(8);
  });

  test('denies the call that waited for it; the next round returns the shares', async () => {
    const owner = await ownerWith(1_000_000n, windowOf(1_000));
    const [holder, other] = [randomHex(20), randomHex(20)];
    for (const agent of [holder, other]) await enrol(owner, agent);
    for (let i = 0; i < 6; i += 1) expect(ruleOf(await callOnce(holder, 10n))).toBe('go');
    watchRecalls(() => Promise.reject(new Error('lost')));
    const denial = denialOf(await callOnce(other, 940n));
    expect(denial.rule).toBe('window');
    // The refusal must not say that enough remains for the call.
    expect(Number(denial.limit?.remaining)).toBeLessThan(940);
    restore();
    expect(ruleOf(await callOnce(other, 940n))).toBe('go');
    expect(ruleOf(await callOnce(holder, 1n))).toBe('window');
  });
});
