import { hashTypedData } from 'viem';
import { describe, expect, it } from 'vitest';
import { description } from '../../../../src/gateway/account-api/description.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { intentOf } from '../../protocol/intent/wire.ts';
import { vectorConfig } from '../signing.ts';

const told = description(vectorConfig(), 'https://second.example');

describe('/.well-known/agent-intent', () => {
  it('suffices to compute the published digests', () => {
    expect(told.typed_data.type).toBe(vectors.typeStrings.AgentIntent);
    const { name, version } = told.typed_data.domain;
    const [first] = told.networks;
    const digest = hashTypedData({
      domain: { name, version, chainId: Number(first?.chain_id) },
      types: told.typed_data.types,
      primaryType: 'AgentIntent',
      message: intentOf(vectors.paid.intent),
    });
    expect(digest).toBe(vectors.paid.intentHash);
  });

  it('names the requested origin, the payees, and the gateway’s own routes', () => {
    expect(told).toMatchObject({
      version: 1,
      audience: 'https://second.example',
      audiences: ['https://gw.example', 'https://second.example'],
      networks: [
        {
          network: 'eip155:84532',
          asset: vectors.paid.intent.asset,
          pay_to: vectors.paid.intent.payTo,
        },
      ],
      gateway_account: expect.stringMatching(/^eip155:84532:0x[0-9a-f]{40}$/) as unknown,
      max_validity: 300,
      paid: {
        binding: 'eip3009-nonce',
        valid_after: vectors.boundValidAfter,
        header: 'PAYMENT-SIGNATURE',
        field: 'extensions["agent-intent"].info.intent',
      },
      unpaid: { header: 'Agent-Intent', max_length: 8192 },
      tools: [
        { id: 'countersign.credits', method: 'POST', path: '/credits' },
        { id: 'countersign.calls', method: 'GET', path: '/calls/*' },
        { id: 'countersign.account', method: 'GET', path: '/accounts/me' },
        { id: 'countersign.delegations', method: 'PUT', path: '/delegations' },
        { id: 'countersign.revocations', method: 'POST', path: '/revocations' },
        { id: 'countersign.admin.credits.refund', method: 'POST' },
      ],
    });
  });

  it('is JSON', () => {
    expect(JSON.parse(JSON.stringify(told))).toEqual(told);
  });
});
