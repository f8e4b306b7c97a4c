import { useVectorsClock } from '../../support/vectors-clock.ts';
import { manage } from '../../../src/management/router.ts';
import { network } from '../gateway/scripted.ts';
import { NOW, paymentHeader, paymentOf } from '../gateway/signing.ts';
import { scriptedContext } from './scripted-context.ts';
import { describe, expect, it } from 'vitest';
import {
  config,
  OPERATOR,
  RECEIVER,
  ACCOUNT,
  HASH,
  refundBody,
  signedRefund,
  requestOf,
  bodyOf,
  nodeWith,
} from './refund-world.ts';

useVectorsClock();

describe('a request for a refund', () => {
  it('challenges a request without a proof, and one with a payment', async () => {
    const { context } = await scriptedContext(config);
    for (const headers of [{}, paymentHeader(await paymentOf())]) {
      const answer = await manage(context, requestOf(refundBody(), headers));
      expect(answer.status).toBe(401);
      expect(answer.headers.get('WWW-Authenticate')).toContain(
        'tool="countersign.admin.credits.refund"',
      );
    }
  });

  it('rejects everyone but operators with 403 and no other detail', async () => {
    const { rpc } = network(nodeWith([{}]));
    const { context, asked } = await scriptedContext(config);
    for (const body of [refundBody(), 'not even JSON']) {
      const answer = await manage(context, await signedRefund(body, { who: 'agent' }));
      expect(answer.status).toBe(403);
      expect(Object.keys(await bodyOf(answer)).toSorted()).toEqual([
        ...['detail', 'hint', 'status', 'title', 'type'],
      ]);
    }
    expect([rpc, asked]).toEqual([[], []]);
  });

  it('rejects everyone if no operator is configured', async () => {
    const { context } = await scriptedContext({ ...config, operators: [] });
    expect((await manage(context, await signedRefund(refundBody()))).status).toBe(403);
  });

  it('rejects an operator’s address under a stranger’s signature', async () => {
    network(nodeWith([{}]));
    const { context, asked } = await scriptedContext(config);
    const forged = await signedRefund(refundBody(), { who: 'agent', fields: { agent: OPERATOR } });
    const answer = await manage(context, forged);
    // The answer must equal that for any other address, so that it does not reveal the operators.
    expect(answer.status).toBe(403);
    expect(await bodyOf(answer)).toMatchObject({ type: 'urn:countersign:problem:forbidden' });
    expect(asked).toEqual([]);
  });

  it('rejects an operator whose contract does not accept the signature', async () => {
    network({ ...nodeWith([{}]), eth_getCode: '0x60' });
    const { context, asked } = await scriptedContext(config);
    const answer = await manage(context, await signedRefund(refundBody()));
    expect(await bodyOf(answer)).toMatchObject({ type: 'urn:countersign:problem:forbidden' });
    expect(asked).toEqual([]);
  });

  it('rejects an expired intent, and one whose body was replaced', async () => {
    network(nodeWith([{}]));
    const { context, asked } = await scriptedContext(config);
    const fields = { validAfter: BigInt(NOW - 100), validBefore: BigInt(NOW - 30) };
    const late = await manage(context, await signedRefund(refundBody(), { fields }));
    expect(await bodyOf(late)).toMatchObject({ type: 'urn:countersign:problem:expired' });
    const signed = await signedRefund(refundBody());
    const exchanged = requestOf(refundBody({ log_index: 1 }), {
      'Agent-Intent': signed.headers.get('Agent-Intent') ?? '',
    });
    expect(await bodyOf(await manage(context, exchanged))).toMatchObject({
      field: 'Agent-Intent.intent.payloadDigest',
    });
    expect(asked).toEqual([]);
  });

  it.each([
    ['', 'body'],
    ['{', 'body'],
    ['[]', 'body'],
    [`{"account":"${ACCOUNT}","account":"${ACCOUNT}","transaction":"${HASH}"}`, 'body'],
    [refundBody({ amount: '5' }), 'body.amount'],
    [refundBody({ account: RECEIVER }), 'body.account'],
    [refundBody({ account: `eip155:1:${RECEIVER}` }), 'body.account'],
    [refundBody({ account: `eip155:84532:0x${'AB'.repeat(20)}` }), 'body.account'],
    [refundBody({ transaction: '0x12' }), 'body.transaction'],
    [refundBody({ transaction: undefined }), 'body.transaction'],
    [refundBody({ log_index: '1' }), 'body.log_index'],
    [refundBody({ log_index: -1 }), 'body.log_index'],
    [refundBody({ log_index: 0.5 }), 'body.log_index'],
  ])('rejects the body %s and names the field', async (body, field) => {
    network(nodeWith([{}]));
    const { context, asked } = await scriptedContext(config);
    const answer = await manage(context, await signedRefund(body));
    expect(answer.status).toBe(400);
    expect(await bodyOf(answer)).toMatchObject({ field });
    expect(asked).toEqual([]);
  });
});
