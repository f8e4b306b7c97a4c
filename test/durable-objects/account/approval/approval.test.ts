import { afterEach, describe, expect, test } from 'vitest';
import {
  accountOf,
  callsOf,
  entriesOf,
  randomHex,
  ringNow,
  stubOf,
  success,
  topUp,
} from '../../support.ts';
import {
  denialOf,
  limitOf,
  pass,
  putToSleep,
  restore,
  setPolicy,
  setStatus,
} from '../../tree-support.ts';
import {
  ABOVE,
  ASKING,
  askingBranch,
  attempt,
  bigCall,
  decide,
  PRICE,
  repeat,
  reserve,
  typesOf,
  waitingCall,
} from './approval-support.ts';

afterEach(restore);

describe('a call above the threshold of a policy', () => {
  test('waits for a person, holds its amount, and runs once after the approval', async () => {
    const { owner, agent, call, verdict } = await waitingCall();
    expect(verdict).toMatchObject({
      state: 'waiting',
      asked: accountOf(agent),
      above: ABOVE,
      retryAfter: 5,
    });
    expect((await repeat(agent, call)).verdict).toBe('parked');
    expect((await decide(agent, call.id, owner)).verdict).toBe('applied');
    expect(await stubOf(agent).lookUp({ account: call.account, call: call.id })).toMatchObject({
      status: { state: 'parked', approval: { state: 'approved' } },
    });
    const running = attempt();
    expect((await repeat(agent, call, { execute: false }, running)).verdict).toBe('go');
    expect((await repeat(agent, call)).verdict).toBe('in_progress');
    expect((await stubOf(agent).finish(call.id, running, success)).verdict).toBe('finished');
    expect((await repeat(agent, call)).verdict).toBe('stored');
    expect(await typesOf(agent)).toEqual([
      'call.parked',
      'alert.raised',
      'call.approved',
      'call.accepted',
      'call.finished',
    ]);
    expect(await stubOf(agent).lookUp({ account: call.account, call: call.id })).toMatchObject({
      status: { state: 'committed', charged: PRICE, approval: { state: 'used' } },
    });
  });

  test('at the threshold runs at once, and so does a top-up above it', async () => {
    const { agent } = await askingBranch();
    expect((await reserve(agent, bigCall(agent, { price: ABOVE }))).verdict).toBe('go');
    const alone = randomHex(20);
    await setPolicy(alone, ASKING);
    expect((await topUp(alone, 50_000n)).verdict).toBe('finished');
  });

  test('is reported as waiting by a dry run, which parks nothing', async () => {
    const { agent } = await askingBranch();
    expect(await reserve(agent, bigCall(agent, { dryRun: true }))).toMatchObject({
      verdict: 'dry_run',
      decision: 'park',
    });
    expect(await typesOf(agent)).toEqual([]);
  });

  test('counts in the limits of every ancestor while it waits, also after its lease has expired', async () => {
    const { owner, agent, call } = await waitingCall('owner', {
      windows: [{ every: 1_000_000, limit: '3000u' }],
    });
    pass(120);
    expect(denialOf(await reserve(agent, bigCall(agent, { price: ABOVE + 1n }))).rule).toBe(
      'window',
    );
    await setStatus(owner, 'active');
    expect((await reserve(owner, bigCall(owner, { price: 1_001n }))).verdict).toBe('denied');
    expect((await decide(agent, call.id, owner)).verdict).toBe('applied');
    // The ancestor's window has 1,000 units left, and the call itself holds 2,000. So the renewal of an expired lease must not request more
    // for this call.
    pass(120);
    const running = attempt();
    expect((await repeat(agent, call, { execute: false }, running)).verdict).toBe('go');
    await stubOf(agent).finish(call.id, running, success);
    await setStatus(owner, 'paused');
    const { spent, held } = await limitOf(owner, 'window:1000000s');
    expect(BigInt(spent) + BigInt(held)).toBeLessThanOrEqual(3_000n);
    expect(BigInt(spent)).toBe(PRICE);
  });

  test('runs in a later window of an ancestor, whose other limit it holds all of', async () => {
    const { owner, agent, call } = await waitingCall('owner', {
      windows: [{ every: 600, limit: '2000u' }],
      lifetime: '2000u',
    });
    await decide(agent, call.id, owner);
    pass(700);
    const running = attempt();
    expect((await repeat(agent, call, { execute: false }, running)).verdict).toBe('go');
    await stubOf(agent).finish(call.id, running, success);
    await setStatus(owner, 'paused');
    expect(await limitOf(owner, 'lifetime')).toMatchObject({ spent: '2000', held: '0' });
  });

  test('is released by a refusal, and its id stays burned', async () => {
    const { owner, agent, call } = await waitingCall();
    const before = await callsOf(agent);
    expect(before[0]).toMatchObject({ state: 'parked' });
    expect((await decide(agent, call.id, owner, 'refused')).verdict).toBe('applied');
    expect((await repeat(agent, call)).verdict).toBe('already_used');
    expect((await decide(agent, call.id, owner)).verdict).toBe('refused');
    expect((await callsOf(agent))[0]).toMatchObject({ state: 'released', charged: 0n });
    expect(await stubOf(agent).lookUp({ account: call.account, call: call.id })).toMatchObject({
      status: { state: 'released', approval: { state: 'refused' } },
    });
  });

  test('is released when its time ends, by the alarm, also after a restart', async () => {
    const { owner, agent, call } = await waitingCall();
    expect((await decide(agent, call.id, owner)).verdict).toBe('applied');
    pass(3_601);
    // The alarm has not run yet: the call is expired by its time alone.
    expect((await repeat(agent, call, { execute: false })).verdict).toBe('expired');
    await putToSleep(agent);
    await ringNow(agent);
    expect((await callsOf(agent))[0]).toMatchObject({ state: 'released' });
    expect((await repeat(agent, call, { execute: false })).verdict).toBe('already_used');
    expect((await entriesOf(agent)).at(-1)).toMatchObject({
      type: 'call.refused',
      decision: 'expired',
    });
  });

  test('survives a restart of its account between any two steps', async () => {
    const { owner, agent, call } = await waitingCall();
    await putToSleep(agent);
    expect((await repeat(agent, call)).verdict).toBe('parked');
    await putToSleep(agent);
    expect((await decide(agent, call.id, owner)).verdict).toBe('applied');
    await putToSleep(agent);
    const running = attempt();
    expect((await repeat(agent, call, {}, running)).verdict).toBe('go');
    await putToSleep(agent);
    expect((await repeat(agent, call, {}, running)).verdict).toBe('go');
    expect((await stubOf(agent).finish(call.id, running, success)).verdict).toBe('finished');
  });

  test('gives one attempt that the runtime sends again the same answer', async () => {
    const { agent } = await askingBranch();
    const [call, first] = [bigCall(agent), attempt()];
    const once = await reserve(agent, call, {}, first);
    expect(await reserve(agent, call, {}, first)).toEqual(once);
  });
});
