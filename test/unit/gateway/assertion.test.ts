import { describe, expect, it, vi } from 'vitest';

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

  it.each([
    { seconds: 5, age: 5, signed: 1 },
    { seconds: 6, age: 0, signed: 2 },
  ])(
    'is signed while the account decides, and again if that took $seconds s of its minute',
    async ({ seconds, age, signed: times }) => {
      const { sent } = network(KEY_ACCOUNT);
      const begun: number[] = [];
      let attempted = '';
      const { gateway } = await scriptedGateway(config, {
        reserve: async ({ price }, attempt) => {
          attempted = attempt;
          expect(begun).toHaveLength(1);
          vi.setSystemTime((NOW + seconds) * 1_000);
          return go(price);
        },
      });
      const { sign } = gateway.signer;
      const signer = {
        ...gateway.signer,
        sign: (claims: Readonly<Record<string, unknown>>, typ: string) => {
          if (typ === 'agent-assertion+jwt') begun.push(Number(claims['iat']));
          return sign(claims, typ);
        },
      };
      const request = await signed('/tools/translate', paying(20_000n));
      const answer = await call({ ...gateway, signer }, request);
      expect(answer.status).toBe(200);
      expect(begun).toHaveLength(times);
      expect(claimsOf(sent[0]?.headers.get('X-Agent-Assertion') ?? null)).toMatchObject({
        iat: NOW + seconds - age,
        max: '20000',
        jti: attempted,
        account: `eip155:84532:${addressOf('agent')}`,
      });
    },
  );

  it('is never sent if the tool must not run, whether or not it could be signed', async () => {
    const { sent } = network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config, {
      reserve: async () => ({ verdict: 'conflict' }),
    });
    const signer = { ...gateway.signer, sign: () => Promise.reject(new Error('no key')) };
    const request = await signed('/tools/translate', paying(20_000n));
    expect((await call({ ...gateway, signer }, request)).status).toBe(409);
    expect(sent).toEqual([]);
  });
});
