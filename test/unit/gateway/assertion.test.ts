import { describe, expect, it, vi } from 'vitest';

import type { Signer } from '../../../src/crypto/signer.ts';
import { call } from '../../../src/gateway/call.ts';

import { claimsOf, ENTRY, KEY_ACCOUNT, network, POLICY, scriptedGateway } from './scripted.ts';
import { addressOf, NOW, paying } from './signing.ts';

import { config, signed } from './call-fixture.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';

useVectorsClock();

describe('the assertion', () => {
  const go = (price: bigint) =>
    ({
      verdict: 'go',
      entry: ENTRY,
      policy: POLICY,
      charged: price,
      paidFrom: 'credit',
      limits: [],
    }) as const;

  it('is signed after the account decided, so that the minute of its validity starts then', async () => {
    const { sent } = network(KEY_ACCOUNT);
    let attempted = '';
    const { gateway } = await scriptedGateway(config, {
      reserve: async ({ price }, attempt) => {
        attempted = attempt;
        vi.setSystemTime((NOW + 6) * 1_000);
        return go(price);
      },
    });
    const request = await signed('/tools/translate', paying(20_000n));
    expect((await call(gateway, request)).status).toBe(200);
    expect(claimsOf(sent[0]?.headers.get('X-Agent-Assertion') ?? null)).toMatchObject({
      iat: NOW + 6,
      max: '20000',
      jti: attempted,
      account: `eip155:84532:${addressOf('agent')}`,
    });
  });

  it('is neither signed nor sent for a tool without one', async () => {
    const { sent } = network(KEY_ACCOUNT);
    const tools = config.tools.map((tool) => ({ ...tool, assertion: false }));
    const { gateway } = await scriptedGateway(
      { ...config, tools },
      { reserve: async ({ price }) => go(price) },
    );
    const sign = vi.fn<Signer['sign']>(gateway.signer.sign);
    const request = await signed('/tools/translate', paying(20_000n));
    const answer = await call({ ...gateway, signer: { ...gateway.signer, sign } }, request);
    expect(answer.status).toBe(200);
    expect(sent[0]?.headers.has('X-Agent-Assertion')).toBe(false);
    expect(sign.mock.calls.map(([, type]) => type)).toEqual(['agent-receipt+jwt']);
  });

  it('is not signed if the tool must not run', async () => {
    const { sent } = network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config, {
      reserve: async () => ({ verdict: 'conflict' }),
    });
    const sign = vi.fn<Signer['sign']>(gateway.signer.sign);
    const request = await signed('/tools/translate', paying(20_000n));
    const answer = await call({ ...gateway, signer: { ...gateway.signer, sign } }, request);
    expect(answer.status).toBe(409);
    expect(sign).not.toHaveBeenCalled();
    expect(sent).toEqual([]);
  });
});
