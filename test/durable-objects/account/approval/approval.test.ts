import { afterEach, describe, expect, test } from 'vitest';
import { reserveWithApproval } from '../../../../durable-objects/account/call/park.ts';
import { NO_PROGRESS } from '../../../../durable-objects/account/call/progress.ts';
import { emptyAccount } from '../../../../durable-objects/account/state.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { ALONE } from '../../../properties/alone.ts';
import {
  accountOf,
  callOf,
  callsOf,
  entriesOf,
  factsOf,
  purseOf,
  randomHex,
  ringNow,
  stubOf,
  success,
  topUp,
  trust,
} from '../../support.ts';
import {
  denialOf,
  enrol,
  faultOf,
  limitOf,
  ownerWith,
  pass,
  putToSleep,
  restore,
  revoke,
  ruleOf,
  setPolicy,
  setStatus,
} from '../../tree-support.ts';
import {
  ABOVE,
  ASKING,
  askingBranch,
  bigCall,
  decide,
  freshIntent,
  ownerPolicy,
  PRICE,
  repeat,
  reserve,
  typesOf,
  waitingCall,
} from './approval-support.ts';

afterEach(restore);

const attempt = (): Hex => randomHex(16);

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
    expect((await decide(agent, call.call, owner)).verdict).toBe('applied');
    expect(await stubOf(agent).lookUp({ account: call.account, call: call.call })).toMatchObject({
      status: { state: 'parked', approval: { state: 'approved' } },
    });
    const running = attempt();
    expect((await repeat(agent, call, { execute: false }, running)).verdict).toBe('go');
    expect((await repeat(agent, call)).verdict).toBe('in_progress');
    expect((await stubOf(agent).finish(call.call, running, success)).verdict).toBe('finished');
    expect((await repeat(agent, call)).verdict).toBe('stored');
    expect(await typesOf(agent)).toEqual([
      'call.parked',
      'alert.raised',
      'call.approved',
      'call.accepted',
      'call.finished',
    ]);
    expect(await stubOf(agent).lookUp({ account: call.account, call: call.call })).toMatchObject({
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
    expect((await decide(agent, call.call, owner)).verdict).toBe('applied');
    // The ancestor's window has 1,000 units left, and the call itself holds 2,000 of it: an expired lease is renewed for nothing more.
    pass(120);
    const running = attempt();
    expect((await repeat(agent, call, { execute: false }, running)).verdict).toBe('go');
    await stubOf(agent).finish(call.call, running, success);
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
    await decide(agent, call.call, owner);
    pass(700);
    const running = attempt();
    expect((await repeat(agent, call, { execute: false }, running)).verdict).toBe('go');
    await stubOf(agent).finish(call.call, running, success);
    await setStatus(owner, 'paused');
    expect(await limitOf(owner, 'lifetime')).toMatchObject({ spent: '2000', held: '0' });
  });

  test('is released by a refusal, and its id stays burned', async () => {
    const { owner, agent, call } = await waitingCall();
    const before = await callsOf(agent);
    expect(before[0]).toMatchObject({ state: 'parked' });
    expect((await decide(agent, call.call, owner, 'refused')).verdict).toBe('applied');
    expect((await repeat(agent, call)).verdict).toBe('already_used');
    expect((await decide(agent, call.call, owner)).verdict).toBe('refused');
    expect((await callsOf(agent))[0]).toMatchObject({ state: 'released', charged: 0n });
    expect(await stubOf(agent).lookUp({ account: call.account, call: call.call })).toMatchObject({
      status: { state: 'released', approval: { state: 'refused' } },
    });
  });

  test('is released when its time ends, by the alarm, also after a restart', async () => {
    const { owner, agent, call } = await waitingCall();
    expect((await decide(agent, call.call, owner)).verdict).toBe('applied');
    pass(3_601);
    // Before the alarm fires, the time alone decides.
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
    expect((await decide(agent, call.call, owner)).verdict).toBe('applied');
    await putToSleep(agent);
    const running = attempt();
    expect((await repeat(agent, call, {}, running)).verdict).toBe('go');
    await putToSleep(agent);
    expect((await repeat(agent, call, {}, running)).verdict).toBe('go');
    expect((await stubOf(agent).finish(call.call, running, success)).verdict).toBe('finished');
  });

  test('gives one attempt that the runtime sends again the same answer', async () => {
    const { agent } = await askingBranch();
    const [call, first] = [bigCall(agent), attempt()];
    const once = await reserve(agent, call, {}, first);
    expect(await reserve(agent, call, {}, first)).toEqual(once);
  });
});

describe('a payment that waits', () => {
  const operators = async () => {
    const payer = randomHex(20);
    await trust(payer, 100_000n, 10_000_000n);
    await setPolicy(payer, { ...ASKING, exposure: '5000u' });
    return payer;
  };
  const payment = (payer: Hex, changes: Parameters<typeof callOf>[1] = {}) =>
    callOf(payer, { binding: 'intent', price: PRICE, ...changes });

  test('counts as exposure, and is presented only after it ran', async () => {
    const payer = await operators();
    const call = payment(payer);
    expect((await reserve(payer, call)).verdict).toBe('parked');
    expect((await purseOf(payer)).held).toBe(PRICE.toString());
    expect((await callsOf(payer)).find(({ id }) => id === call.call)).toMatchObject({
      payment: 'held',
    });
    expect((await decide(payer, call.call, 'operator')).verdict).toBe('applied');
    const running = attempt();
    expect((await repeat(payer, call, {}, running)).verdict).toBe('go');
    await stubOf(payer).finish(call.call, running, success);
    expect((await callsOf(payer)).find(({ id }) => id === call.call)).toMatchObject({
      payment: 'queued',
    });
  });

  test('of an upfront tool settles only after the approval', async () => {
    const payer = await operators();
    const call = payment(payer, { settlement: 'upfront' });
    expect((await reserve(payer, call, { facts: factsOf(10_000_000n) })).verdict).toBe('parked');
    expect((await purseOf(payer)).held).toBe(PRICE.toString());
    await decide(payer, call.call, 'operator');
    const running = attempt();
    expect((await repeat(payer, call, {}, running)).verdict).toBe('settle');
    expect(
      (
        await stubOf(payer).reserve(call, running, {
          settlement: { outcome: 'settled', transaction: randomHex(32), block: 11 },
        })
      ).verdict,
    ).toBe('go');
  });

  test('that settled while its attempt was lost runs for another repeat, although its intent has expired', async () => {
    const payer = await operators();
    const call = payment(payer, { settlement: 'upfront' });
    await reserve(payer, call, { facts: factsOf(10_000_000n) });
    await decide(payer, call.call, 'operator');
    expect((await repeat(payer, call, { execute: false })).verdict).toBe('settle');
    const settled = { outcome: 'settled', transaction: randomHex(32), block: 11 } as const;
    await stubOf(payer).settled([{ call: call.call, ...settled }]);
    expect((await repeat(payer, call, { execute: false })).verdict).toBe('go');
    expect((await repeat(payer, call, { execute: false })).verdict).toBe('in_progress');
  });

  test('near the end of its authorization settles before its tool runs', async () => {
    const payer = await operators();
    const call = payment(payer);
    await reserve(payer, call);
    await decide(payer, call.call, 'operator');
    pass(3_000);
    expect((await repeat(payer, call, { execute: false })).verdict).toBe('settle');
  });

  test('is released by a refusal, and its signature is erased', async () => {
    const payer = await operators();
    const call = payment(payer);
    await reserve(payer, call);
    await decide(payer, call.call, 'operator', 'refused');
    const [record] = (await callsOf(payer)).filter(({ id }) => id === call.call);
    expect(record).toMatchObject({ state: 'released', payment: 'released' });
    expect(record?.held?.signature).toBeUndefined();
    expect((await purseOf(payer)).held).toBe('0');
  });

  test('without an intent cannot wait: nothing could show that its repeat is the caller’s', async () => {
    const payer = await operators();
    const bare = payment(payer, { binding: 'none', identifier: randomHex(32) });
    expect(denialOf(await reserve(payer, bare))).toMatchObject({
      rule: 'approval',
      retryAllowed: false,
    });
  });
});

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
    const verdict = await decide(branch.agent, call.call, signer);
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
    const verdict = await decide(agent, call.call, owner);
    expect(verdict.verdict).toBe('refused');
    expect((await decide(agent, call.call, 'operator')).verdict).toBe('applied');
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
    expect(faultOf(await decide(agent, call.call, manager)).reason).toBe('forbidden');
    expect((await decide(agent, call.call, owner)).verdict).toBe('applied');
  });

  test('an agent with an operator’s key approves no call of its own', async () => {
    const { agent, call } = await waitingCall();
    const verdict = await stubOf(agent).apply({
      ...{ kind: 'approval', call: call.call, decision: 'approved', intent: freshIntent() },
      by: { account: accountOf(agent), role: 'operator' },
    });
    expect(faultOf(verdict).reason).toBe('forbidden');
  });
});

describe('attacks on approvals', () => {
  test('of two approvals at once one counts', async () => {
    const { owner, agent, call } = await waitingCall();
    const verdicts = await Promise.all(
      Array.from({ length: 5 }, () => decide(agent, call.call, owner)),
    );
    expect(verdicts.filter(({ verdict }) => verdict === 'applied')).toHaveLength(1);
    expect((await typesOf(agent)).filter((type) => type === 'call.approved')).toHaveLength(1);
  });

  test('of two repeats at once one runs', async () => {
    const { owner, agent, call } = await waitingCall();
    await decide(agent, call.call, owner);
    const verdicts = await Promise.all(
      Array.from({ length: 8 }, async () => (await repeat(agent, call)).verdict),
    );
    expect(verdicts.filter((verdict) => verdict === 'go')).toHaveLength(1);
    expect(new Set(verdicts)).toEqual(new Set(['go', 'in_progress']));
  });

  test('an approval after the time of the call has no effect', async () => {
    const { owner, agent, call } = await waitingCall();
    pass(3_600);
    expect(faultOf(await decide(agent, call.call, owner)).reason).toBe('not_writable');
    expect((await repeat(agent, call)).verdict).toBe('expired');
  });

  test('an approving signature works once, also for another call', async () => {
    const { owner, agent, call } = await waitingCall();
    const intent = freshIntent();
    await decide(agent, call.call, owner, 'approved', intent);
    const other = bigCall(agent);
    await reserve(agent, other);
    const replay = { ...intent, attempt: randomHex(16) };
    expect(faultOf(await decide(agent, other.call, owner, 'approved', replay)).reason).toBe(
      'already_used',
    );
    expect(faultOf(await decide(agent, call.call, owner, 'approved', replay)).reason).toBe(
      'already_used',
    );
  });

  test.each([
    ['another body', { request: randomHex(32) }],
    ['another tool', { tool: 'other' }],
    ['another amount', { price: PRICE + 1n }],
    ['a smaller amount', { price: PRICE - 1n }],
    ['another kind of proof', { proof: 'x402' as const }],
  ])('an approved call is not run with %s', async (_, changes) => {
    const { owner, agent, call } = await waitingCall();
    await decide(agent, call.call, owner);
    expect((await repeat(agent, call, changes)).verdict).toBe('conflict');
    expect((await repeat(agent, call)).verdict).toBe('go');
  });

  test('an approved payment is not run with another authorization', async () => {
    const payer = randomHex(20);
    await trust(payer, 100_000n, 10_000_000n);
    await setPolicy(payer, ASKING);
    const call = callOf(payer, { binding: 'intent', price: PRICE });
    await reserve(payer, call);
    await decide(payer, call.call, 'operator');
    const { payment } = callOf(payer, { call: call.call, price: PRICE + 5n });
    if (payment === undefined) throw new Error('no payment');
    expect((await repeat(payer, call, { payment })).verdict).toBe('conflict');
  });

  test('an approved call is not run without its retry key', async () => {
    const { owner, agent, call } = await waitingCall();
    await decide(agent, call.call, owner);
    expect((await reserve(agent, call)).verdict).toBe('already_used');
    expect((await repeat(agent, call)).verdict).toBe('go');
  });

  test.each([
    ['its owner revoked the grant', 'revoked'],
    ['its account was frozen', 'frozen'],
    ['an ancestor was frozen', 'frozen'],
    ['a policy lowered the price', 'per_call'],
    ['a policy added a window', 'window'],
    ['a higher account asks for its own approval', 'approval'],
  ] as const)('an approved call does not run after %s', async (change, rule) => {
    const { owner, manager, agent, lower, call } = await waitingCall('manager');
    await decide(agent, call.call, manager);
    switch (change) {
      case 'its owner revoked the grant':
        await revoke(manager, lower.delegation.id);
        break;
      case 'its account was frozen':
        await setStatus(agent, 'frozen');
        break;
      case 'an ancestor was frozen':
        await setStatus(owner, 'frozen');
        break;
      case 'a policy lowered the price':
        await setPolicy(agent, { perCall: '1999u' });
        break;
      case 'a policy added a window':
        await setPolicy(owner, { windows: [{ every: 1_000_000, limit: '1999u' }] });
        break;
      case 'a higher account asks for its own approval':
        await ownerPolicy(manager, owner, ASKING);
    }
    expect(ruleOf(await repeat(agent, call))).toBe(rule);
    expect(await typesOf(agent)).not.toContain('call.accepted');
    // The hold stays until a person refuses the call or its time ends.
    expect((await callsOf(agent))[0]).toMatchObject({ state: 'parked' });
  });

  test('an account parks a bounded number of calls', async () => {
    const { owner, agent } = await askingBranch();
    const first = bigCall(agent);
    expect((await reserve(agent, first)).verdict).toBe('parked');
    const others = await Promise.all(
      Array.from({ length: 20 }, async () => ruleOf(await reserve(agent, bigCall(agent)))),
    );
    expect(others.filter((verdict) => verdict === 'parked')).toHaveLength(15);
    expect(others.filter((verdict) => verdict === 'approval_queue')).toHaveLength(5);
    await decide(agent, first.call, owner, 'refused');
    expect((await reserve(agent, bigCall(agent))).verdict).toBe('parked');
  });

  test('the agents of one owner park a bounded number of calls in an hour', async () => {
    const owner = await ownerWith(1_000_000n);
    let parked = 0;
    let rule = '';
    for (let agents = 0; agents < 5 && rule === ''; agents += 1) {
      const agent = randomHex(20);
      await enrol(owner, agent);
      await ownerPolicy(agent, owner, ASKING);
      for (let calls = 0; calls < 16 && rule === ''; calls += 1) {
        const verdict = await reserve(agent, bigCall(agent));
        if (verdict.verdict === 'parked') parked += 1;
        else rule = ruleOf(verdict);
      }
    }
    expect({ parked, rule }).toEqual({ parked: 60, rule: 'approval_queue' });
  });

  test('a stranger parks nothing, and writes nothing', () => {
    const stranger = randomHex(20);
    const call = callOf(stranger, { binding: 'intent', price: PRICE, settlement: 'upfront' });
    const decision = reserveWithApproval(
      emptyAccount(accountOf(stranger)),
      undefined,
      call,
      attempt(),
      { facts: factsOf(10_000_000n) },
      NO_PROGRESS,
      {
        ...{ ...ALONE, now: nowSeconds(), salt: () => randomHex(16), policyHash: randomHex(32) },
        policy: { approveAbove: ABOVE, windows: [], deny: [], require: [], exposure: 5_000n },
      },
    );
    expect(decision).toMatchObject({
      verdict: { verdict: 'denied', denial: { rule: 'approval' } },
      writes: [],
      entries: [],
    });
  });
});
