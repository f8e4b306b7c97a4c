import { afterEach, describe, expect, test } from 'vitest';
import { accountOf, randomHex, stubOf } from '../../support.ts';
import { enrol, faultOf, ownerWith, restore, setPolicy } from '../../tree-support.ts';
import {
  ASKING,
  askingBranch,
  bigCall,
  decide,
  freshIntent,
  ownerPolicy,
  reserve,
  waitingCall,
} from './approval-support.ts';

afterEach(restore);

describe('who decides on a call that waits', () => {
  test.each([
    ['owner', 'owner', 'applied'],
    ['owner', 'manager', 'forbidden'],
    ['manager', 'manager', 'applied'],
    ['manager', 'owner', 'applied'],
    ['owner', 'operator', 'applied'],
    ['owner', 'agent', 'forbidden'],
    ['owner', 'stranger', 'forbidden'],
  ] as const)('a policy of the %s: the %s is %s', async (writer, by, expected) => {
    const { call, ...branch } = await waitingCall(writer);
    const signer = by === 'operator' ? by : by === 'stranger' ? randomHex(20) : branch[by];
    const verdict = await decide(branch.agent, call.id, signer);
    expect(verdict.verdict === 'refused' ? faultOf(verdict).reason : verdict.verdict).toBe(
      expected,
    );
  });

  test('of an operator’s policy, operators only', async () => {
    const { owner, agent } = await askingBranch('owner');
    await ownerPolicy(agent, owner, {});
    await setPolicy(agent, ASKING);
    const call = bigCall(agent);
    await reserve(agent, call);
    const verdict = await decide(agent, call.id, owner);
    expect(verdict.verdict).toBe('refused');
    expect((await decide(agent, call.id, 'operator')).verdict).toBe('applied');
  });

  test('of a policy of an ancestor’s account, those who wrote it for that account, and not that account', async () => {
    const owner = await ownerWith(100_000n);
    const [manager, agent] = [randomHex(20), randomHex(20)];
    const upper = await enrol(owner, manager, { depth: 2 });
    await enrol(manager, agent, { parent: upper.hash, depth: 1 });
    await ownerPolicy(manager, owner, ASKING);
    const call = bigCall(agent);
    expect(await reserve(agent, call)).toMatchObject({
      verdict: 'parked',
      asked: accountOf(manager),
    });
    expect(faultOf(await decide(agent, call.id, manager)).reason).toBe('forbidden');
    expect((await decide(agent, call.id, owner)).verdict).toBe('applied');
  });

  test('an agent with an operator’s key approves no call of its own', async () => {
    const { agent, call } = await waitingCall();
    const verdict = await stubOf(agent).apply({
      ...{ kind: 'approval', call: call.id, decision: 'approved', intent: freshIntent() },
      by: { account: accountOf(agent), role: 'operator' },
    });
    expect(faultOf(verdict).reason).toBe('forbidden');
  });
});
