import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../../src/client/errors.ts';
import { walletRefusal } from '../../../../src/dashboard/session/wallet-refusal.ts';
import {
  faultOf,
  problemFault,
  refusalFault,
} from '../../../../src/dashboard/payment/payment-fault.ts';

const ATTEMPTED = { price: '0.02 USDC', network: 'Base Sepolia' };
const signerFailed = (cause: unknown) =>
  new CountersignError('signer_failed', 'The account did not sign.', { cause });

describe('the words of a failed payment', () => {
  it.each([{ code: 4001 }, { code: -32_002 }, undefined])(
    'say that nothing was paid when the wallet did not sign: %j',
    (thrown) => {
      const { text, hint } = walletRefusal(thrown, ATTEMPTED.network);
      for (const each of [thrown, signerFailed(thrown)]) {
        expect(faultOf(each, ATTEMPTED, false)).toEqual({
          kind: 'unpaid',
          text: `${text} Nothing was paid.`,
          hint,
        });
      }
    },
  );

  it('never say that nothing was paid after a signature has left the page', () => {
    const lost = new CountersignError('answer_lost', 'The gateway did not answer.');
    const odd = new CountersignError('redirected', 'A redirect.');
    for (const thrown of [lost, odd, new TypeError('network')]) {
      const fault = faultOf(thrown, ATTEMPTED, true);
      expect(fault.kind).toBe('unclear');
      expect(fault.text).not.toContain('Nothing was paid');
    }
  });

  it('name the amount and the network of a wallet with too little', () => {
    const refused = new CountersignError(
      'payment_refused',
      'The server refused the payment: insufficient_funds.',
    );
    const { text, hint } = faultOf(refused, ATTEMPTED, true);
    expect(text).toContain('too little USDC on Base Sepolia');
    expect(hint).toContain('0.02 USDC');
  });

  it('show texts of others without controls that change their direction', () => {
    const busy = { type: 'urn:countersign:problem:not-writable', hint: 'try\u0007' };
    expect(problemFault({ ...busy, detail: 'no\u202eway' }, 409)).toEqual({
      kind: 'unpaid',
      text: 'noway Nothing was paid.',
      hint: 'try\ufffd',
    });
  });

  it('say how long to wait, without the members of the answer', () => {
    const limit = {
      ...{ type: 'urn:countersign:problem:denied', rule: 'rate', detail: 'Too many calls.' },
      ...{ retry_after: 45, hint: 'Wait until `resets_at`, `retry_after` seconds from now.' },
    };
    expect(problemFault(limit, 429).hint).toBe('Wait 45 s, then try again.');
  });

  const own = (name: string) => ({
    type: `urn:countersign:problem:${name}`,
    detail: 'It says so.',
  });

  it.each([
    ['the refusal of a repeat', { problem: own('already-used'), attempts: 2 }, 409],
    ['a call that runs', { problem: own('in-progress'), attempts: 1 }, 409],
    ['a denial after an attempt without an answer', { problem: own('denied'), attempts: 2 }, 403],
    ['a tool that answered too late', { problem: own('upstream-timeout'), attempts: 1 }, 504],
    ['the page of a proxy', { attempts: 1 }, 524],
    [
      'the problem of a proxy',
      { problem: { type: 'https://proxy.example/1020' }, attempts: 1 },
      403,
    ],
  ] as const)('never say that nothing was paid for %s', (_, report, status) => {
    const fault = refusalFault(report, status);
    expect(fault.kind).toBe('unclear');
    expect(fault.text).not.toContain('Nothing was paid');
  });

  it('do not take an unsigned look at an approval for an unsigned payment', () => {
    const declined = signerFailed({ code: 4001 });
    expect(faultOf(declined, ATTEMPTED, true).kind).toBe('unclear');
  });

  it.each([
    [own('denied'), 403],
    [own('invalid-signature'), 401],
    [own('settlement-failed'), 503],
    [own('paused'), 503],
  ])('say for a first refusal that the gateway says so: %j', (problem, status) => {
    const fault = refusalFault({ problem, attempts: 1 }, status);
    expect(fault.kind).toBe('unpaid');
    expect(fault.text).toBe('It says so. The gateway says that nothing was paid.');
  });
});
