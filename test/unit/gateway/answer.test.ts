import { describe, expect, it } from 'vitest';
import { call } from '../../../src/gateway/call.ts';
import type { FinishVerdict } from '../../../src/protocol/account/call-verdict.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { config, signed, bodyOf } from './call-fixture.ts';
import { claimsOf, ENTRY, KEY_ACCOUNT, network, scriptedGateway } from './scripted.ts';
import { paying } from './signing.ts';

useVectorsClock();

describe('an attempt that cannot report how the call ended', () => {
  const finished = { entry: ENTRY, state: 'abandoned', payment: 'none' } as const;

  it.each<[string, FinishVerdict, number, Record<string, unknown>]>([
    [
      'another attempt took over the call',
      { verdict: 'unknown_call' },
      503,
      { type: 'urn:countersign:problem:storage-unavailable', retry_after: 2 },
    ],
    [
      'the hold expired, and nothing is kept',
      { verdict: 'late', ...finished, charged: 0n, kept: false },
      504,
      { money: 'untouched' },
    ],
    [
      'the money moved and is credit',
      { verdict: 'late', ...finished, payment: 'settled', charged: 0n, kept: false },
      504,
      { money: 'credited' },
    ],
    [
      'the operator must resolve the call',
      { verdict: 'late', ...finished, payment: 'settled', charged: 20_000n, kept: true },
      504,
      { money: 'held' },
    ],
    [
      'the operator charged the call',
      { verdict: 'late', ...finished, payment: 'settled', charged: 20_000n, kept: false },
      504,
      { money: 'charged' },
    ],
  ])('answers with what it knows: %s', async (_, verdict, status, body) => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config, { finish: async () => verdict });
    const answer = await call(gateway, await signed('/tools/translate', paying(20_000n)));
    expect(answer.status).toBe(status);
    expect(await bodyOf(answer)).toMatchObject(body);
  });
});

describe('a stored answer', () => {
  it('is sent with the binding of the accepted call', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config, {
      reserve: async () => ({
        verdict: 'stored',
        answer: {
          status: 200,
          headers: { 'cache-control': 'public', 'x-mine': '1' },
          body: btoa('answer'),
        },
        charged: 20_000n,
        paidFrom: 'payment',
        payment: 'queued',
        binding: 'none',
        price: 20_000n,
        entry: '0x',
        policy: '0x',
      }),
    });
    const answer = await call(gateway, await signed('/tools/translate', paying(20_000n)));
    expect(await answer.text()).toBe('answer');
    expect(claimsOf(answer.headers.get('Agent-Receipt'))['binding']).toBe('none');
    expect(answer.headers.get('x-mine')).toBe('1');
    expect(answer.headers.get('cache-control')).toBe('private, no-store');
  });
});
