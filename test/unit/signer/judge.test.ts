import { describe, expect, it } from 'vitest';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import type { Authorization } from '../../../src/protocol/payment.ts';
import type { SignerPolicy } from '../../../src/protocol/signer/policy.ts';
import { judge, type Judgement, type Subject } from '../../../src/signer/judge.ts';
import { readSigningRequest } from '../../../src/signer/signing-request.ts';
import {
  AGENT,
  approvalData,
  bytes32,
  freeIntent,
  intent,
  intentParams,
  NOW,
  PAYEE,
  paymentParams,
  permitData,
  policy,
  STRANGER,
  subject,
  withIntent,
} from './fixture.ts';

const ask = (params: readonly unknown[], of: Subject = subject, now = NOW): Judgement => {
  const read = readSigningRequest(params);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return judge(of, read.value, now);
};
const under = (more: Partial<SignerPolicy>): Subject => ({
  ...subject,
  policy: { ...policy, ...more },
});
const ofIntent = (more: Partial<AgentIntent>, of = subject) =>
  ask(intentParams({ ...intent, ...more }), of);
const ofPayment = (more: Partial<Authorization>, of = subject) =>
  ask(paymentParams(intent, more), of);
const rule = (judgement: Judgement) =>
  judgement.verdict === 'refuse' ? judgement.rule : judgement.verdict;
/** The subject after the signer has signed. */
const after = (judgement: Judgement, of = subject): Subject => {
  if (judgement.verdict !== 'sign') throw new Error(judgement.verdict);
  return { ...of, slot: judgement.slot, spending: judgement.spending };
};

describe('a policy', () => {
  it('allows an intent, its payment and a free intent', () => {
    expect(rule(ask(intentParams(intent)))).toBe('sign');
    expect(rule(ask(paymentParams(intent)))).toBe('sign');
    expect(rule(ask(intentParams(freeIntent)))).toBe('sign');
  });

  it.each<[string, Partial<AgentIntent>]>([
    ['agent', { agent: STRANGER }],
    ['audience', { audience: 'https://other.example' }],
    ['tool', { tool: 'delete' }],
    ['tool', { tool: 'pay' }],
    ['payee', { payTo: STRANGER }],
    ['asset', { asset: STRANGER }],
    ['per_signature', { maxAmount: 1_000_001n }],
    ['validity', { validBefore: BigInt(NOW + 301) }],
    ['validity', { validBefore: BigInt(NOW) }],
    ['validity', { validAfter: BigInt(NOW - 200), validBefore: BigInt(NOW + 101) }],
  ])('refuses by the rule %s', (name, more) => {
    const [, data] = intentParams({ ...intent, ...more });
    expect(rule(ask([AGENT, data]))).toBe(name);
  });

  it('refuses another address than that of the agent', () => {
    const [, data] = intentParams(intent);
    expect(rule(ask([STRANGER, data]))).toBe('address');
  });

  it('refuses everything while it is paused', () => {
    expect(rule(ofIntent({}, under({ status: 'paused' })))).toBe('paused');
  });

  it('allows no tool of the gateway by a star', () => {
    expect(rule(ofIntent({ tool: 'anything' }, under({ tools: ['*'] })))).toBe('sign');
    const credits = { tool: 'countersign.credits' };
    expect(rule(ofIntent(credits, under({ tools: ['*'] })))).toBe('tool');
    expect(rule(ofIntent(credits, under({ tools: ['countersign.credits'] })))).toBe('sign');
  });

  it('refuses amounts that a person must approve', () => {
    const careful = under({ approveAbove: 500_000n });
    expect(rule(ofIntent({ maxAmount: 500_000n }, careful))).toBe('sign');
    expect(rule(ofIntent({ maxAmount: 500_001n }, careful))).toBe('approval');
  });

  it('shortens how long a signature is valid', () => {
    expect(rule(ofIntent({}, under({ maxValidity: 180 })))).toBe('sign');
    expect(rule(ofIntent({}, under({ maxValidity: 179 })))).toBe('validity');
  });
});

describe('a payment', () => {
  it.each<[string, Partial<Authorization>]>([
    ['binding', { nonce: bytes32('01') }],
    ['binding', { validAfter: 0n }],
    ['binding', { from: STRANGER }],
    ['binding', { to: STRANGER }],
    ['binding', { value: 1_000_001n }],
    ['validity', { validBefore: BigInt(NOW + 3601) }],
    ['validity', { validBefore: BigInt(NOW + 179) }],
  ])('refuses by the rule %s', (name, more) => {
    expect(rule(ofPayment(more))).toBe(name);
  });

  it('needs a payee of the policy even when it moves nothing', () => {
    const nothing = { ...intent, maxAmount: 0n, payTo: STRANGER };
    expect(rule(ask(paymentParams(nothing)))).toBe('payee');
  });
});

describe('a permit', () => {
  const data = permitData(intent);
  const { permitted, witness } = data.message;
  const ofPermit = (more: object, of = subject, under = intent) => {
    const own = permitData(under);
    return ask(withIntent(under, { ...own, message: { ...own.message, ...more } }), of);
  };

  it('is signed under the policy of its intent', () => {
    expect(rule(ofPermit({}))).toBe('sign');
    const expensive = { ...intent, maxAmount: 1_000_001n };
    expect(rule(ofPermit({}, subject, expensive))).toBe('per_signature');
    expect(rule(ofPermit({}, subject, { ...intent, payTo: STRANGER }))).toBe('payee');
    expect(rule(ofPermit({}, subject, { ...intent, tool: 'delete' }))).toBe('tool');
    expect(rule(ofPermit({}, under({ assets: [] })))).toBe('asset');
    const full = under({ windows: [{ every: 'hour', limit: 999_999n }] });
    expect(rule(ofPermit({}, full))).toBe('window');
  });

  it.each<[string, object]>([
    ['binding', { nonce: '1' }],
    ['binding', { permitted: { ...permitted, amount: '1000001' } }],
    ['binding', { witness: { ...witness, to: STRANGER } }],
    ['binding', { witness: { ...witness, validAfter: '0' } }],
    ['validity', { deadline: String(NOW + 3601) }],
    ['validity', { deadline: String(NOW + 179) }],
  ])('is refused by the rule %s', (name, more) => {
    expect(rule(ofPermit(more))).toBe(name);
  });

  it('and an authorization are one payment: an intent buys one of them', () => {
    const paid = after(ofPermit({}));
    expect(rule(ofPermit({}, paid))).toBe('repeat');
    expect(rule(ask(paymentParams(intent), paid))).toBe('already_paid');
    const exact = after(ask(paymentParams(intent)));
    expect(rule(ofPermit({}, exact))).toBe('already_paid');
  });
});

describe('an approval of Permit2', () => {
  const UNLIMITED = ((1n << 256n) - 1n).toString();
  const ofApproval = (more: object, of = subject) => {
    const data = approvalData(intent);
    return ask(withIntent(intent, { ...data, message: { ...data.message, ...more } }), of);
  };

  it('covers the maximum of one payment, and counts with it once', () => {
    const paid = after(ask(withIntent(intent, permitData(intent))));
    const approved = after(ofApproval({}, paid), paid);
    expect(approved.spending.lifetime).toBe(1_000_000n);
    expect(rule(ofApproval({}, approved))).toBe('repeat');
    expect(rule(ofApproval({ value: '1' }, approved))).toBe('already_paid');
    expect(after(ofApproval({})).spending.lifetime).toBe(1_000_000n);
  });

  it.each<[string, object]>([
    ['binding', { value: UNLIMITED }],
    ['binding', { value: '1000001' }],
    ['binding', { owner: STRANGER }],
    ['validity', { deadline: UNLIMITED }],
    ['validity', { deadline: String(NOW + 3601) }],
  ])('is refused by the rule %s', (name, more) => {
    expect(rule(ofApproval(more))).toBe(name);
  });
});

describe('spending', () => {
  it('counts an intent and its payment once', () => {
    const signed = after(ask(intentParams(intent)));
    const paid = after(ask(paymentParams(intent), signed), signed);
    expect(paid.spending.lifetime).toBe(1_000_000n);
    expect(paid.slot).toMatchObject({ amount: 1_000_000n, until: NOW + 600 });
  });

  it('repeats what it signed, even when nothing remains, and spends nothing', () => {
    const paid = after(ask(paymentParams(intent)));
    const poor = {
      ...paid,
      policy: { ...policy, windows: [{ every: 'hour', limit: 1n }] },
    } as const;
    expect(rule(ask(paymentParams(intent), poor))).toBe('repeat');
  });

  it('signs one payment for an intent', () => {
    const paid = after(ask(paymentParams(intent)));
    expect(rule(ask(paymentParams(intent, { value: 1n }), paid))).toBe('already_paid');
  });

  it('refuses above a window, with its figures, until it resets', () => {
    const other = (nonce: string) => paymentParams({ ...intent, nonce: bytes32(nonce) });
    let of = after(ask(other('01')));
    of = after(ask(other('02'), { ...of, slot: undefined }), of);
    const full = { ...of, slot: undefined };
    expect(ask(other('03'), full)).toEqual({
      verdict: 'refuse',
      rule: 'window',
      field: 'maxAmount',
      limit: { rule: 'window:hour', limit: 2_500_000n, spent: 2_000_000n, resetsAt: NOW + 3600 },
      retryAfter: 3600,
    });
    const later = NOW + 3600;
    const fresh = { ...intent, validAfter: BigInt(later - 60), validBefore: BigInt(later + 60) };
    const params = paymentParams(fresh, { validBefore: BigInt(later + 60) });
    expect(rule(ask(params, full, later))).toBe('sign');
  });

  it('refuses above the lifetime for good', () => {
    const poor = under({ windows: [], lifetime: 1_500_000n });
    const of = { ...after(ask(intentParams(intent), poor), poor), slot: undefined };
    const second = ask(intentParams({ ...intent, nonce: bytes32('02') }), of);
    expect(second).toMatchObject({ rule: 'lifetime', limit: { spent: 1_000_000n } });
    expect(second).not.toHaveProperty('retryAfter');
  });

  it('counts hours, days and months also while no policy names them', () => {
    const of = { ...after(ask(intentParams(intent))), slot: undefined };
    const daily: Subject = {
      ...of,
      policy: { ...policy, windows: [{ every: 'day', limit: 1_000_000n }] },
    };
    expect(rule(ask(intentParams({ ...intent, nonce: bytes32('02') }), daily))).toBe('window');
  });

  it('keeps its counters when the clock steps back', () => {
    const of = { ...after(ask(intentParams(intent))), slot: undefined };
    const poor = {
      ...of,
      policy: { ...policy, windows: [{ every: 'hour', limit: 1_000_000n }] },
    } as const;
    const earlier = NOW - 3600;
    const again = {
      ...intent,
      nonce: bytes32('02'),
      validAfter: BigInt(earlier),
      validBefore: BigInt(earlier + 60),
    };
    expect(rule(ask(intentParams(again), poor, earlier))).toBe('window');
    expect(PAYEE).toBe(again.payTo);
  });
});
