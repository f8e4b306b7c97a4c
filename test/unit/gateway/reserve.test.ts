import { describe, expect, it } from 'vitest';
import { call } from '../../../src/gateway/call.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Evidence } from '../../../src/protocol/account/call.ts';
import { observe } from './fixture.ts';
import { KEY_ACCOUNT, network, scriptedGateway } from './scripted.ts';
import { addressOf, intentFor, NOW, paying, paymentHeader, paymentOf } from './signing.ts';
import {
  config,
  GRANT,
  MAGIC,
  requestOf,
  signed,
  bodyOf,
  proof,
  contracts,
  GO,
  wanting,
} from './reserve-fixture.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';

useVectorsClock();

describe('a call of a tool', () => {
  it('passes the grant that its intent names to the account', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    await call(gateway, await signed({ authority: GRANT }));
    await call(gateway, await signed());
    await call(gateway, requestOf('/tools/translate', paymentHeader(await paymentOf())));
    const claims = asked.filter((each) => each.asked === 'reserve');
    expect(claims.map((each) => each.call.authority)).toEqual([GRANT, undefined, undefined]);
    expect(claims[1]?.call).not.toHaveProperty('authority');
  });

  it('passes the grant of a bound payment to the account', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const seen = await observe(requestOf('/tools/translate'), config);
    if (!seen.ok) throw new Error(seen.error.reason);
    const intent = intentFor(seen.value.received, { ...paying(20_000n), authority: GRANT });
    await call(gateway, requestOf('/tools/translate', paymentHeader(await paymentOf({ intent }))));
    expect(asked[0]).toMatchObject({ call: { proof: 'x402', authority: GRANT } });
  });

  it('carries the declared parameters: none for a tool without declarations', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    await call(gateway, await signed({}, '/tools/declaring', '{"to":"fr"}'));
    await call(gateway, await signed());
    const claims = asked.filter((each) => each.asked === 'reserve');
    expect(claims[0]?.call.params).toEqual({ to: { found: true, value: 'fr' } });
    expect(claims[1]?.call.params).toEqual({});
  });
});

describe('a call while no node of the chain answers (law 13)', () => {
  /** An account that requests facts about the payer, and decides without them once the gateway reports that no node answers. */
  const lending = async (
    _call: unknown,
    _attempt: unknown,
    { isChainSilent }: Evidence,
  ): Promise<ReserveVerdict> => (isChainSilent === true ? GO : { verdict: 'stale_payer' });

  it('is decided by its account, which may pay for it from the credit of an ancestor', async () => {
    network({});
    const { gateway, asked } = await scriptedGateway(config, { reserve: lending });
    expect((await call(gateway, await signed())).status).toBe(200);
    expect(asked.map((each) => each.asked)).toEqual(['reserve', 'reserve', 'finish']);
  });

  it('names the chain if only a settlement could pay for it', async () => {
    network({});
    const { gateway } = await scriptedGateway(config, {
      reserve: async (_call, _attempt, { isChainSilent }) =>
        isChainSilent === true
          ? { verdict: 'settlement_unavailable', retryAfter: 5 }
          : { verdict: 'stale_payer' },
    });
    const answer = await call(gateway, await signed());
    expect(answer.status).toBe(503);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:payer-unreachable',
    });
  });
});

describe('a grant whose issuer is a contract', () => {
  it('is verified by each contract once, behind the rate limiter', async () => {
    const { rpc } = network(contracts([proof('a1').issuer]));
    const { gateway, asked, rateLimited } = await scriptedGateway(config, {
      reserve: wanting([proof('a1'), proof('b2')]),
    });
    expect((await call(gateway, await signed())).status).toBe(200);
    const claims = asked.filter((each) => each.asked === 'reserve');
    expect(claims).toHaveLength(2);
    expect(claims[1]?.grants).toEqual([
      { hash: proof('a1').hash, valid: true, at: NOW },
      { hash: proof('b2').hash, valid: false, at: NOW },
    ]);
    expect(claims[1]?.facts).toBeUndefined();
    expect(rpc.filter((method) => method === 'eth_call')).toHaveLength(2);
    expect(rateLimited).toEqual(['unknown', `facts eip155:84532:${addressOf('agent')}`]);
  });

  it('is verified with the registered digest and signature', async () => {
    const calls: string[] = [];
    network({
      ...KEY_ACCOUNT,
      eth_call: ([{ data }]: [{ data: string }]) => {
        calls.push(data);
        return MAGIC;
      },
    });
    const { gateway } = await scriptedGateway(config, { reserve: wanting([proof('a1')]) });
    await call(gateway, await signed());
    expect(calls).toHaveLength(1);
    expect(calls[0]?.slice(0, 74)).toBe(`0x1626ba7e${'a1'.repeat(32)}`);
    expect(calls[0]).toContain('a1'.repeat(70));
  });

  it.each(['facts first', 'grants first'])(
    'and a payer that the account requests facts about: both in one request, %s',
    async (order) => {
      network(contracts([proof('a1').issuer]));
      const { gateway, asked, rateLimited } = await scriptedGateway(config, {
        reserve: async (_call, _attempt, { facts, grants }) => {
          const staleGrant = { verdict: 'stale_grant', proofs: [proof('a1')] } as const;
          if (order === 'grants first' && grants === undefined) return staleGrant;
          if (facts === undefined) return { verdict: 'stale_payer' };
          return grants === undefined ? staleGrant : GO;
        },
      });
      expect((await call(gateway, await signed())).status).toBe(200);
      const claims = asked.filter((each) => each.asked === 'reserve');
      expect(claims).toHaveLength(3);
      expect(claims[2]).toMatchObject({ facts: { block: 100 }, grants: [{ valid: true }] });
      expect(rateLimited).toEqual([
        'unknown',
        `facts eip155:84532:${addressOf('agent')}`,
        'unknown',
        `facts eip155:84532:${addressOf('agent')}`,
      ]);
    },
  );

  it('that the account requests twice is refused', async () => {
    network(contracts([]));
    const { gateway, asked } = await scriptedGateway(config, {
      reserve: async () => ({ verdict: 'stale_grant', proofs: [proof('a1')] }),
    });
    const answer = await call(gateway, await signed());
    expect(answer.status).toBe(503);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:storage-unavailable',
    });
    expect(asked).toHaveLength(2);
  });

  it('denies the call while the node fails, or the client is over its limit', async () => {
    const { sent } = network({ ...KEY_ACCOUNT, eth_call: 'nonsense' });
    const { gateway, asked } = await scriptedGateway(config, { reserve: wanting([proof('a1')]) });
    const answer = await call(gateway, await signed());
    expect(answer.status).toBe(503);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:payer-unreachable',
    });
    const closed = { ...gateway, rateLimit: async () => false };
    expect((await call(closed, await signed())).status).toBe(429);
    expect(asked.map((each) => each.asked)).toEqual(['reserve', 'reserve']);
    expect(sent).toEqual([]);
  });

  it('has at most three issuers: a longer chain is not verified', async () => {
    const { rpc } = network(contracts([]));
    const proofs = ['a1', 'a2', 'a3', 'a4'].map(proof);
    const { gateway } = await scriptedGateway(config, { reserve: wanting(proofs) });
    expect((await call(gateway, await signed())).status).toBe(500);
    expect(rpc).toEqual([]);
  });
});
