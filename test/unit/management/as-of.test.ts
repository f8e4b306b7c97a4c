import { describe, expect, it } from 'vitest';
import { EXPORT_DELAY } from '../../../durable-objects/account/memory.ts';
import { asOf, STORED_WITHIN } from '../../../src/management/as-of.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { EntryPage, LoggedEntry } from '../../../src/protocol/entry.ts';
import { vectorConfig } from '../gateway/signing.ts';
import { scriptedContext } from './scripted-context.ts';

const ACCOUNT: AccountId = `eip155:84532:0x${'11'.repeat(20)}`;
const NOW = 1_800_000_000;

const entryAt = (seq: number, at: number): LoggedEntry => ({
  ...{ v: 1, type: 'call.denied', seq, account: ACCOUNT, at },
  ...{ prev: `0x${'00'.repeat(32)}`, salt: `0x${'00'.repeat(16)}` },
});

/** An account whose entry `seq` has the time `NOW - 100 + seq`. */
const account = async (head: number, exported: number) =>
  await scriptedContext(vectorConfig(), {
    entries: async (after): Promise<EntryPage> => ({
      verdict: 'found',
      exported,
      head,
      entries: after < head ? [entryAt(after + 1, NOW - 99 + after)] : [],
    }),
  });

const queue = async (oldest: Date | undefined) => {
  const { context } = await scriptedContext(vectorConfig());
  const metrics = { backlogCount: 1, backlogBytes: 1 };
  const auditQueue = {
    ...context.auditQueue,
    metrics: async () =>
      oldest === undefined ? metrics : { ...metrics, oldestMessageTimestamp: oldest },
  };
  return { ...context, auditQueue };
};

describe('a list of one account', () => {
  it('is as of now if D1 has every entry', async () => {
    expect(await asOf((await account(9, 9)).context, ACCOUNT, NOW)).toBe(NOW);
  });

  it('is as of the oldest entry that D1 does not have', async () => {
    expect(await asOf((await account(9, 4)).context, ACCOUNT, NOW)).toBe(NOW - 95);
  });

  it('has no age if the account does not answer', async () => {
    const silent = await scriptedContext(vectorConfig(), {
      entries: async () => ({ verdict: 'unavailable' }),
    });
    expect(await asOf(silent.context, ACCOUNT, NOW)).toBeUndefined();
  });
});

describe('a list of all accounts', () => {
  it.each([
    ['nothing', undefined, NOW],
    ['time 0, as the local queue shows for nothing', new Date(0), NOW],
    ['a message of a minute ago', new Date((NOW - 60) * 1_000), NOW - 60],
    ['a message from the future', new Date((NOW + 60) * 1_000), NOW],
  ])('is as old as the queue, which holds %s', async (_, oldest, expected) => {
    expect(await asOf(await queue(oldest), undefined, NOW)).toBe(expected - STORED_WITHIN);
  });

  it('allows for the time that an account keeps its entries', () => {
    expect(STORED_WITHIN).toBeGreaterThanOrEqual(EXPORT_DELAY + 5);
  });

  it('has no age if the queue does not answer', async () => {
    const context = await queue(undefined);
    const auditQueue = {
      ...context.auditQueue,
      metrics: async () => {
        throw new Error('no answer');
      },
    };
    expect(await asOf({ ...context, auditQueue }, undefined, NOW)).toBeUndefined();
  });
});
