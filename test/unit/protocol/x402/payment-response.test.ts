import { decodePaymentResponseHeader } from '@x402/core/http';
import { describe, expect, it } from 'vitest';
import {
  acceptedPayment,
  creditedPayment,
  paymentResponseHeader,
  refusedPayment,
  settledPayment,
  type PaidCall,
} from '../../../../src/protocol/x402/payment-response.ts';
import { AGENT } from './fixture.ts';

const paid: PaidCall = {
  payer: AGENT,
  network: 'eip155:84532',
  amount: 20_000n,
  call: `0x${'ab'.repeat(32)}`,
};
const base = { payer: AGENT, network: 'eip155:84532', amount: '20000' };
const transaction = `0x${'cd'.repeat(32)}` as const;

describe('paymentResponseHeader', () => {
  it.each([
    [
      'accepted',
      acceptedPayment(paid),
      { success: true, transaction: '', extra: { status: 'accepted', payment: paid.call } },
    ],
    [
      'credited',
      creditedPayment(paid),
      {
        success: true,
        transaction: '',
        extra: { status: 'accepted', payment: paid.call, paidFrom: 'credit' },
      },
    ],
    [
      'settled',
      settledPayment(paid, transaction),
      { success: true, transaction, extra: { status: 'settled', payment: paid.call } },
    ],
    [
      'refused',
      refusedPayment(paid, 'insufficient_funds'),
      {
        success: false,
        errorReason: 'insufficient_funds',
        transaction: '',
        extra: { status: 'refused', payment: paid.call },
      },
    ],
  ])('reports an %s payment to a v2 client', (_, response, wire) => {
    const [name, value] = paymentResponseHeader(2, response);
    expect(name).toBe('PAYMENT-RESPONSE');
    expect(decodePaymentResponseHeader(value)).toEqual({ ...base, ...wire });
  });

  it('names the network for a v1 client by its version 1 name', () => {
    const [name, value] = paymentResponseHeader(1, settledPayment(paid, transaction));
    expect(name).toBe('X-PAYMENT-RESPONSE');
    expect(JSON.parse(atob(value))).toMatchObject({ network: 'base-sepolia', transaction });
  });
});
