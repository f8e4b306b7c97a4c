import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../../../src/client/errors.ts';
import type { Management } from '../../../../../src/client/management.ts';
import {
  type CallName,
  readCallStory,
} from '../../../../../src/dashboard/data/calls/call-story.ts';

const name = { account: 'eip155:1:0x1', call: '0x01' } as unknown as CallName;
const APPROVAL = { parked_at: 10, decided_at: 52, decided_by: 'eip155:1:0x2' };

const unknown = (): CountersignError =>
  new CountersignError('refused', 'unknown', {
    problem: {
      ...{ type: 'urn:countersign:problem:unknown-call', title: '', status: 404, detail: '' },
    } as never,
  });

/**
 * A gateway with one call, which records the routes that are requested. `rule`: the rule in the call's acceptance; `null`: the call was not
 * accepted.
 */
const gatewayWith = (rule: string | undefined | null, approval: object | undefined) => {
  const called: string[] = [];
  const call = async (id: string) => {
    called.push(id);
    if (id === 'account.call' && rule !== null) {
      return { body: { call: { call: name.call }, entries: { first: 7, last: 8 } } };
    }
    if (approval === undefined || id !== 'account.approval') throw unknown();
    return { body: approval };
  };
  const list = async function* (
    _: string,
    { query }: { readonly query: { readonly type?: string } },
  ) {
    // A query with a type looks for denials, and no call was denied.
    if (query.type !== undefined) return;
    yield { seq: 7, type: 'call.accepted', call: name.call, ...(rule && { rule }) };
    yield { seq: 8, type: 'call.finished', call: name.call };
  };
  return { management: { call, list } as unknown as Management, called };
};

describe('the story of a call', () => {
  it('has the wait and the approver of a call that a person approved', async () => {
    const { management } = gatewayWith('approval', APPROVAL);
    const story = await readCallStory(management, name, { role: 'owner' }, undefined);
    expect(story.approval).toEqual(APPROVAL);
    expect(story.entries.map(({ seq }) => seq)).toEqual([7, 8]);
  });

  it('asks for no approval where the call needed none', async () => {
    const { management, called } = gatewayWith(undefined, APPROVAL);
    const story = await readCallStory(management, name, { role: 'owner' }, undefined);
    expect([story.approval, called]).toEqual([undefined, ['account.call']]);
  });

  it('has the attempts to settle its payment for an operator alone', async () => {
    const attempts = [{ attempt: 2, error: 'timeout', at: 9 }];
    const bodies: Readonly<Record<string, object>> = {
      'account.call': {
        ...{ call: {}, settlement: { state: 'open' }, entries: { first: 7, last: 8 } },
        trace: 'of the call',
      },
      'settlements.get': { settlement: { state: 'open' }, entries: [], attempts },
    };
    const { management: other } = gatewayWith(undefined, undefined);
    const call = async (id: string) => ({ body: bodies[id] });
    const management = { ...other, call } as unknown as Management;
    const storyFor = (role: 'operator' | 'owner') =>
      readCallStory(management, name, { role }, undefined);
    expect(await storyFor('operator')).toMatchObject({ attempts, trace: 'of the call' });
    expect(await storyFor('owner')).toMatchObject({ attempts: [], trace: 'of the call' });
  });

  it('of a call that waits, or was refused, is its wait: the log is not searched for denials', async () => {
    const { management } = gatewayWith(null, APPROVAL);
    const story = await readCallStory(management, name, { role: 'operator' }, undefined);
    expect(story).toMatchObject({ approval: APPROVAL, entries: [], isComplete: true });
    expect(story.call).toBeUndefined();
  });

  it('of a call that nothing is known of is a problem', async () => {
    const { management, called } = gatewayWith(null, undefined);
    await expect(
      readCallStory(management, name, { role: 'owner' }, undefined),
    ).rejects.toMatchObject({ code: 'refused' });
    expect(called).toEqual(['account.call', 'account.approval']);
  });

  it('is complete without an approval that the lists no longer have', async () => {
    const { management } = gatewayWith('approval', undefined);
    const story = await readCallStory(management, name, { role: 'owner' }, undefined);
    expect([story.approval, story.entries.length]).toEqual([undefined, 2]);
  });
});
