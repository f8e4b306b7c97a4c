import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/client/errors.ts';
import { faultOf, problemFault, refusalFault } from '../../../src/pay/payment-fault.ts';

const ATTEMPTED = { price: '0.02 USDC', network: 'Base Sepolia' };
const signerFailed = (cause: unknown) =>
  new CountersignError('signer_failed', 'The account did not sign.', { cause });

describe('the words of a failed payment', () => {
  it.each([
    [{ code: 4001 }, 'You declined in the wallet.'],
    [{ code: 'ACTION_REJECTED' }, 'You declined in the wallet.'],
    [{ code: 4902 }, 'does not know the network Base Sepolia'],
    [
      { code: -32_603, data: { originalError: { code: 4902 } } },
      'does not know the network Base Sepolia',
    ],
    [{ code: -32_002 }, 'still has a request open'],
    [{ code: 4100 }, 'does not let this page'],
    [{ code: 4900 }, 'not connected'],
    [undefined, 'did not sign'],
  ])('explain what the wallet threw: %j', (thrown, text) => {
    for (const each of [thrown, signerFailed(thrown)]) {
      const fault = faultOf(each, ATTEMPTED, false);
      expect(fault.kind).toBe('unpaid');
      expect(fault.text).toContain(text);
      expect(fault.text).toContain('Nothing was paid.');
    }
  });

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
    expect(problemFault({ detail: 'no\u202eway', hint: 'try\u0007' }, 403)).toEqual({
      kind: 'unpaid',
      text: 'noway Nothing was paid.',
      hint: 'try\ufffd',
    });
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

  it.each([
    [own('denied'), 403],
    [own('invalid-signature'), 401],
    [own('settlement-failed'), 503],
    [own('paused'), 503],
  ])('say that nothing was paid for a first refusal of the gateway: %j', (problem, status) => {
    const fault = refusalFault({ problem, attempts: 1 }, status);
    expect(fault.kind).toBe('unpaid');
    expect(fault.text).toBe('It says so. Nothing was paid.');
  });
});
