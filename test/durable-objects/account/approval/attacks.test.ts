import { ALONE } from '../../../properties/alone.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { reserveWithApproval } from '../../../../durable-objects/account/call/park.ts';
import { NO_PROGRESS } from '../../../../durable-objects/account/call/progress.ts';
import { emptyAccount } from '../../../../durable-objects/account/state.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { accountOf, callOf, callsOf, factsOf, randomHex, trust } from '../../support.ts';
import {
  enrol,
  faultOf,
  ownerWith,
  pass,
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
  attempt,
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

describe('attacks on approvals', () => {
  test('of two approvals at once one counts', async () => {
    const { owner, agent, call } = await waitingCall();
    const verdicts = await Promise.all(
      Array.from({ length: 5 }, () => decide(agent, call.id, owner)),
    );
    expect(verdicts.filter(({ verdict }) => verdict === 'applied')).toHaveLength(1);
    expect((await typesOf(agent)).filter((type) => type === 'call.approved')).toHaveLength(1);
  });

  test('of two repeats at once one runs', async () => {
    const { owner, agent, call } = await waitingCall();
    await decide(agent, call.id, owner);
    const verdicts = await Promise.all(
      Array.from({ length: 8 }, async () => (await repeat(agent, call)).verdict),
    );
    expect(verdicts.filter((verdict) => verdict === 'go')).toHaveLength(1);
    expect(new Set(verdicts)).toEqual(new Set(['go', 'in_progress']));
  });

  test('an approval after the time of the call has no effect', async () => {
    const { owner, agent, call } = await waitingCall();
    pass(3_600);
    expect(faultOf(await decide(agent, call.id, owner)).reason).toBe('not_writable');
    expect((await repeat(agent, call)).verdict).toBe('expired');
  });

  test('an approving signature works once, also for another call', async () => {
    const { owner, agent, call } = await waitingCall();
    const intent = freshIntent();
    await decide(agent, call.id, owner, 'approved', intent);
    const other = bigCall(agent);
    await reserve(agent, other);
    const replay = { ...intent, attempt: randomHex(16) };
    expect(faultOf(await decide(agent, other.id, owner, 'approved', replay)).reason).toBe(
      'already_used',
    );
    expect(faultOf(await decide(agent, call.id, owner, 'approved', replay)).reason).toBe(
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
    await decide(agent, call.id, owner);
    expect((await repeat(agent, call, changes)).verdict).toBe('conflict');
    expect((await repeat(agent, call)).verdict).toBe('go');
  });

  test('an approved payment is not run with another authorization', async () => {
    const payer = randomHex(20);
    await trust(payer, 100_000n, 10_000_000n);
    await setPolicy(payer, ASKING);
    const call = callOf(payer, { binding: 'intent', price: PRICE });
    await reserve(payer, call);
    await decide(payer, call.id, 'operator');
    const { payment } = callOf(payer, { id: call.id, price: PRICE + 5n });
    if (payment === undefined) throw new Error('no payment');
    expect((await repeat(payer, call, { payment })).verdict).toBe('conflict');
  });

  test('an approved call is not run without its retry key', async () => {
    const { owner, agent, call } = await waitingCall();
    await decide(agent, call.id, owner);
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
    await decide(agent, call.id, manager);
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
    await decide(agent, first.id, owner, 'refused');
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
    const decision = reserveWithApproval({
      ...{ state: emptyAccount(accountOf(stranger)), call, attempt: attempt() },
      ...{ evidence: { facts: factsOf(10_000_000n) }, progress: NO_PROGRESS },
      context: {
        ...{ ...ALONE, now: nowSeconds(), salt: () => randomHex(16), policyHash: randomHex(32) },
        policy: { approveAbove: ABOVE, windows: [], deny: [], require: [], exposure: 5_000n },
      },
    });
    expect(decision).toMatchObject({
      verdict: { verdict: 'denied', denial: { rule: 'approval' } },
      writes: [],
      entries: [],
    });
  });
});
