import { describe, expect, it } from 'vitest';
import { registerDelegation } from '../../../../src/gateway/account-api/delegations.ts';
import { intentDigest, intentFields } from '../../../../src/protocol/intent/agent-intent.ts';
import { delegationBody, delegationOf } from './documents.ts';
import { KEY_ACCOUNT, network, scriptedGateway } from '../scripted.ts';
import { addressOf, NOW, paymentHeader, paymentOf } from '../signing.ts';

import {
  config,
  OWNER,
  AGENT,
  requestOf,
  bodyOf,
  sendWith,
  contractAt,
} from './delegation-fixture.ts';
import { useVectorsClock } from '../../../support/vectors-clock.ts';

useVectorsClock();

describe('consent', () => {
  const takes = (asked: readonly unknown[]) => asked.at(-1);

  it('is the delegate’s signature of this very request', async () => {
    const { answer, asked, intent } = await sendWith('agent');
    expect(answer.status).toBe(201);
    // The log gets the signed intent (law 11).
    expect(takes(asked)).toMatchObject({
      of: AGENT,
      order: {
        kind: 'take',
        consent: {
          id: intentDigest(intent, 84532),
          proof: 'intent',
          intent: { fields: intentFields(intent), signature: expect.any(String) as string },
        },
      },
    });
  });

  it('cannot come from the issuer', async () => {
    const { answer, asked } = await sendWith('owner');
    expect(answer.status).toBe(201);
    expect(asked).toMatchObject([{ of: OWNER, order: { kind: 'issue', consent: false } }]);
  });

  it('cannot come from another account', async () => {
    const { answer, asked, rpc } = await sendWith('agent', {
      fields: { delegate: `0x${'66'.repeat(20)}` },
    });
    expect(answer.status).toBe(403);
    expect(await bodyOf(answer)).toMatchObject({ type: 'urn:countersign:problem:forbidden' });
    expect([asked, rpc]).toEqual([[], []]);
  });

  it('cannot be forged in the delegate’s name', async () => {
    const { answer, asked } = await sendWith('agent', { signer: 'owner' });
    expect(await bodyOf(answer)).toMatchObject({
      field: 'Agent-Intent.signature',
      fault: 'wrong_signer',
    });
    expect(asked).toEqual([]);
  });

  it('comes from another key only if the contract of the delegate accepts it', async () => {
    const { answer, asked } = await sendWith('agent', {
      ...{ signer: 'owner', node: contractAt(addressOf('agent'), false) },
    });
    expect(await bodyOf(answer)).toMatchObject({
      field: 'Agent-Intent.signature',
      fault: 'contract_refused',
    });
    expect(asked).toEqual([]);
    const accepted = await sendWith('agent', {
      ...{ signer: 'owner', node: contractAt(addressOf('agent'), true) },
    });
    expect(takes(accepted.asked)).toMatchObject({
      of: AGENT,
      order: { consent: { contractCheckedAt: 100 } },
    });
  });

  it('is for this grant, this route and this time only', async () => {
    for (const intent of [
      { payloadDigest: `0x${'11'.repeat(32)}` },
      { tool: 'countersign.revocations' },
      { validAfter: BigInt(NOW - 100), validBefore: BigInt(NOW - 30) },
    ] as const) {
      const { answer, asked } = await sendWith('agent', { intent });
      expect(answer.status).toBe(400);
      expect((await bodyOf(answer))['field']).toMatch(/^Agent-Intent\.intent\./);
      expect(asked).toEqual([]);
    }
  });

  it('cannot be a payment', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const body = await delegationBody(delegationOf());
    await registerDelegation(gateway, requestOf(body, paymentHeader(await paymentOf())));
    expect(asked).toMatchObject([{ of: OWNER, order: { kind: 'issue', consent: false } }]);
  });
});
