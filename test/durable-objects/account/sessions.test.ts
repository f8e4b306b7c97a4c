import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it } from 'vitest';
import { nowSeconds } from '../../../src/core/clock.ts';
import type { SessionRequest } from '../../../src/protocol/account/session.ts';
import { randomHex, stubOf, topUp } from '../support.ts';
import { restore, rowsOf } from '../tree-support.ts';

afterEach(restore);

const requestOf = (changes: Partial<SessionRequest> = {}): SessionRequest => ({
  key: `0x${'0b'.repeat(32)}`,
  begun: nowSeconds() - 60,
  nonce: crypto.randomUUID(),
  created: nowSeconds(),
  until: nowSeconds() + 60,
  ...changes,
});

/** The object of a new wallet, already running, so that no signature of the test predates its start. */
const awake = async (): Promise<ReturnType<typeof stubOf>> => {
  const account = stubOf(randomHex(20));
  await account.admitSession(requestOf({ created: 0 }));
  return account;
};

const end = { key: requestOf().key, until: nowSeconds() + 3_600, isOperator: false } as const;

describe('admitSession', () => {
  it('admits each signature once', async () => {
    const account = await awake();
    const request = requestOf();
    expect(await account.admitSession(request)).toEqual({ verdict: 'admitted' });
    expect(await account.admitSession(request)).toEqual({ verdict: 'repeat' });
    expect(await account.admitSession(requestOf())).toEqual({ verdict: 'admitted' });
  });

  it('asks for a new signature in place of one that was made before the object woke', async () => {
    const account = await awake();
    const before = requestOf({ created: nowSeconds() - 1 });
    expect(await account.admitSession(before)).toEqual({ verdict: 'again' });
  });

  it('asks for a new signature in place of one from the future, which a restart would forget', async () => {
    const account = await awake();
    const early = requestOf({ created: nowSeconds() + 20 });
    expect(await account.admitSession(early)).toEqual({ verdict: 'again' });
  });

  it('writes no row and makes no table for a stranger', async () => {
    const account = await awake();
    await account.admitSession(requestOf());
    await account.endSession(end);
    const tables = await runInDurableObject(account, (_, { storage }) =>
      storage.sql
        .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'")
        .toArray(),
    );
    expect(tables).toEqual([]);
  });
});

describe('endSession', () => {
  it.each([
    ['a stranger, while the object is awake', false],
    ['an operator', true],
  ])('ends the session of %s', async (_, isOperator) => {
    const account = await awake();
    expect(await account.endSession({ ...end, isOperator })).toEqual({ verdict: 'ok' });
    expect(await account.admitSession(requestOf())).toEqual({ verdict: 'ended' });
    const other = requestOf({ key: `0x${'0c'.repeat(32)}` });
    expect(await account.admitSession(other)).toEqual({ verdict: 'admitted' });
  });

  it('ends every session that began until now, and none that begins later', async () => {
    const account = await awake();
    await account.endSession({ ...end, key: 'all', isOperator: true });
    expect(await account.admitSession(requestOf())).toEqual({ verdict: 'ended' });
    const later = requestOf({ begun: nowSeconds() + 1 });
    expect(await account.admitSession(later)).toEqual({ verdict: 'admitted' });
  });

  it('ends every session that was used, also one that a fast clock dated ahead', async () => {
    const payer = randomHex(20);
    const account = stubOf(payer);
    await account.admitSession(requestOf({ created: 0 }));
    const ahead = { key: `0x${'0d'.repeat(32)}`, begun: nowSeconds() + 25 } as const;
    expect(await account.admitSession(requestOf(ahead))).toEqual({ verdict: 'admitted' });
    await account.endSession({ ...end, key: 'all', isOperator: true });
    expect(await account.admitSession(requestOf(ahead))).toEqual({ verdict: 'ended' });
    await evictDurableObject(stubOf(payer));
    expect(await stubOf(payer).admitSession(requestOf(ahead))).toEqual({ verdict: 'ended' });
    const later = requestOf({ ...ahead, key: requestOf().key, created: nowSeconds() + 1 });
    expect(await stubOf(payer).admitSession(later)).not.toEqual({ verdict: 'ended' });
  });

  it.each([
    ['the account', false],
    ['an operator without an account', true],
  ])('is refused beyond the budget of %s, and the session continues', async (_, isOperator) => {
    const payer = randomHex(20);
    if (!isOperator) await topUp(payer, 1_000n);
    await stubOf(payer).admitSession(requestOf({ created: 0 }));
    const keyAt = (at: number) => `0x${at.toString(16).padStart(64, '0')}` as const;
    const ended = async (at: number) => {
      const answer = await stubOf(payer).endSession({ ...end, isOperator, key: keyAt(at) });
      return answer.verdict === 'refused' ? answer.fault.rule : answer.verdict;
    };
    const answers = [];
    for (let at = 0; at < 70; at += 1) answers.push(await ended(at));
    expect(answers.slice(0, 60)).toEqual(Array.from({ length: 60 }, () => 'ok'));
    expect(answers.at(-1)).toBe('command_rate');
    expect(await stubOf(payer).admitSession(requestOf({ key: keyAt(69) }))).toEqual({
      verdict: 'admitted',
    });
    // Ending a session twice stores nothing the second time, so a repeat is free.
    const before = await rowsOf(payer);
    expect(await ended(0)).toBe('ok');
    expect(await rowsOf(payer)).toBe(before);
  });

  it('survives a restart of the object', async () => {
    const payer = randomHex(20);
    await stubOf(payer).endSession({ ...end, isOperator: true });
    await evictDurableObject(stubOf(payer));
    expect(await stubOf(payer).admitSession(requestOf())).toEqual({ verdict: 'ended' });
  });
});
