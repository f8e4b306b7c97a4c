import { describe, expect, it } from 'vitest';
import { creditsTool } from '../../../../src/catalog/gateway-tools.ts';
import { topUp } from '../../../../src/gateway/account-api/top-up.ts';
import { observeOwn } from '../../../../src/gateway/observe.ts';
import { useVectorsClock } from '../../../support/vectors-clock.ts';
import { claimsOf, decoded, KEY_ACCOUNT, network, scriptedGateway } from '../scripted.ts';
import {
  intentFor,
  intentHeader,
  oldPaymentHeader,
  paying,
  paymentHeader,
  signIntent,
} from '../signing.ts';
import {
  bodyOf,
  bound,
  config,
  OTHER,
  OWN,
  requestOf,
  settledAccount,
  vanilla,
} from './top-up-fixture.ts';

useVectorsClock();

describe('a paid top-up', () => {
  it('becomes the payer’s own credit, paid upfront, without an upstream call', async () => {
    const { sent } = network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config, settledAccount);
    const payment = await vanilla(50_000n);
    const answer = await topUp(gateway, requestOf('?amount=50000', paymentHeader(payment)));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    const nonce = payment.payload.authorization.nonce;
    expect(await bodyOf(answer)).toEqual({
      account: OWN,
      asset: 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e',
      amount: '50000',
      payment: nonce,
    });
    expect(asked).toMatchObject([
      {
        asked: 'reserve',
        of: OWN,
        call: {
          tool: 'countersign.credits',
          settlement: 'upfront',
          price: 50_000n,
          topUp: { to: OWN },
          payment: {},
        },
      },
      { asked: 'finish', outcome: { success: true, status: 200, answer: { status: 200 } } },
    ]);
    expect(sent).toEqual([]);
    expect(claimsOf(answer.headers.get('Agent-Receipt'))).toMatchObject({
      tool: 'countersign.credits',
      charged: '50000',
      call: nonce,
    });
    expect(decoded(answer.headers.get('PAYMENT-RESPONSE'))).toMatchObject({
      success: true,
      amount: '50000',
      transaction: `0x${'77'.repeat(32)}`,
    });
  });

  it('for another account needs a bound payment', async () => {
    const query = `?amount=50000&account=${OTHER}`;
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config, settledAccount);
    const payment = await vanilla(50_000n);
    for (const headers of [paymentHeader(payment), oldPaymentHeader(payment)]) {
      const refused = await topUp(gateway, requestOf(query, headers));
      expect(refused.status).toBe(400);
      expect(await bodyOf(refused)).toMatchObject({
        type: 'urn:countersign:problem:binding-required',
        docs: 'https://gw.example/.well-known/agent-intent',
      });
    }
    expect(asked).toEqual([]);
    const answer = await topUp(gateway, requestOf(query, await bound(query)));
    expect(await bodyOf(answer)).toMatchObject({ account: OTHER, amount: '50000' });
    expect(asked[0]).toMatchObject({ of: OWN, call: { topUp: { to: OTHER }, binding: 'intent' } });
  });

  it('for the payer itself needs no bound payment, also with an escaped account', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config, settledAccount);
    for (const account of [OWN, encodeURIComponent(OWN)]) {
      const payment = paymentHeader(await vanilla(50_000n));
      const answer = await topUp(gateway, requestOf(`?amount=50000&account=${account}`, payment));
      expect(await bodyOf(answer)).toMatchObject({ account: OWN });
    }
  });

  it('bound to one account cannot be moved to another account or amount', async () => {
    const { gateway, asked } = await scriptedGateway(config, settledAccount);
    const headers = await bound(`?amount=50000&account=${OTHER}`);
    const thief = `eip155:84532:0x${'33'.repeat(20)}`;
    const moved = await topUp(gateway, requestOf(`?amount=50000&account=${thief}`, headers));
    expect(await bodyOf(moved)).toMatchObject({
      field: 'PAYMENT-SIGNATURE.extensions.agent-intent.info.intent.target',
    });
    const grown = await topUp(gateway, requestOf(`?amount=60000&account=${OTHER}`, headers));
    expect(grown.status).toBe(400);
    expect(asked).toEqual([]);
  });

  it('cannot be paid from credit: an Agent-Intent gets the offer', async () => {
    const { gateway, asked } = await scriptedGateway(config, settledAccount);
    const seen = await observeOwn(requestOf('?amount=50000'), config, creditsTool(5n));
    if (!seen.ok) throw new Error('is a request');
    const headers = intentHeader(await signIntent(intentFor(seen.value, paying(5n))));
    const answer = await topUp(gateway, requestOf('?amount=50000', headers));
    expect(answer.status).toBe(402);
    expect(asked).toEqual([]);
  });
});
