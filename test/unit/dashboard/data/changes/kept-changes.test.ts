import { describe, expect, it, vi } from 'vitest';
import { CountersignError } from '../../../../../src/client/errors.ts';
import type { Management } from '../../../../../src/client/management.ts';
import type { Alone } from '../../../../../src/client/outbox.ts';
import {
  carryOnKept,
  lostChange,
  noChanges,
} from '../../../../../src/dashboard/data/changes/kept-changes.ts';
import { createMemories } from '../../../../../src/dashboard/data/reading/memories.ts';
import type { Change, SentChange } from '../../../../../src/dashboard/data/changes/sent-change.ts';

const management = {} as Management;
const lost = new CountersignError('command_lost', 'No answer.');

const newChange = (change: Change): SentChange => ({
  ...{ change, management, state: 'new' },
  settle: async () => 'what is stored',
});

/** The locks that all tabs of a browser share. */
const sharedLocks = (): Alone => {
  const held = new Set<string>();
  return async (name, act) => {
    if (held.has(name)) return await act(false);
    held.add(name);
    return await act(true).finally(() => held.delete(name));
  };
};

describe('a change about one subject', () => {
  it('asks the wallet in one tab at a time, and says so in the other', async () => {
    const locks = sharedLocks();
    const prompt = Promise.withResolvers<void>();
    const second = vi.fn<Change>(async () => undefined);
    const first = carryOnKept(
      noChanges(locks),
      'refund x',
      newChange(async () => await prompt.promise),
      management,
    );
    const refused = await carryOnKept(noChanges(locks), 'refund x', newChange(second), management);
    expect(refused).toMatchObject({ is: 'failed', thrown: { code: 'signer_failed' } });
    expect(second).not.toHaveBeenCalled();
    const about = await carryOnKept(noChanges(locks), 'refund y', newChange(second), management);
    expect(about).toEqual({ is: 'done' });
    prompt.resolve();
    expect(await first).toEqual({ is: 'done' });
    expect(await carryOnKept(noChanges(locks), 'refund x', newChange(second), management)).toEqual({
      is: 'done',
    });
  });

  it('stays with the account that signed it, also if its answer is lost after another one signed in', async () => {
    const { memory, forget } = createMemories();
    const changes = memory(() => noChanges(sharedLocks()));
    const own = changes();
    const answer = Promise.withResolvers<void>();
    const step = carryOnKept(
      own,
      'refund x',
      newChange(async () => await answer.promise),
      management,
    );
    expect(changes().underWay.size).toBe(1);
    forget();
    answer.reject(lost);
    expect(await step).toMatchObject({ is: 'lost' });
    expect(await lostChange(own, 'refund x')).toMatchObject({ state: 'lost' });
    expect(await lostChange(changes(), 'refund x')).toBeUndefined();
    expect(changes().underWay.size).toBe(0);
  });

  it('is kept while its answer is lost, and repeated under its lock', async () => {
    const answers = [lost, undefined];
    const change = vi.fn<Change>(async () => {
      const answer = answers.shift();
      if (answer !== undefined) throw answer;
    });
    const kept = noChanges(sharedLocks());
    await carryOnKept(kept, 'refund x', newChange(change), management);
    const sent = await lostChange(kept, 'refund x');
    if (sent === undefined) throw new Error('not kept');
    expect(await carryOnKept(kept, 'refund x', sent, management)).toEqual({ is: 'done' });
    expect(change).toHaveBeenCalledTimes(2);
    expect(await lostChange(kept, 'refund x')).toBeUndefined();
  });
});
