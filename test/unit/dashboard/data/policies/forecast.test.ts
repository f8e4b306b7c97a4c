import { describe, expect, it } from 'vitest';
import { type PastCall, forecast } from '../../../../../src/dashboard/data/policies/forecast.ts';
import { parsePolicy, type Policy } from '../../../../../src/policy/policy.ts';

const NOON = 1_800_014_400 - (1_800_014_400 % 86_400) + 43_200;

const policy = (document: unknown): Policy => {
  const read = parsePolicy(document);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value;
};

const call = (at: number, more: Partial<PastCall> = {}): PastCall => ({
  call: `0x${at.toString(16).padStart(64, '0')}`,
  at: NOON + at,
  tool: 'lookup',
  asset: 'eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
  price: 20_000n,
  charged: 20_000n,
  payee: '0x00000000000000000000000000000000000000aa',
  binding: 'intent',
  request: `0x${at.toString(16).padStart(64, '1')}`,
  ...more,
});

describe('a policy held against past calls', () => {
  it('counts what each window would have refused, oldest call first', () => {
    const calls = [call(3), call(2), call(1), call(86_400)];
    const replayed = forecast(policy({ windows: [{ every: 'day', limit: '$0.04' }] }), calls);
    expect(replayed).toEqual({ calls: 4, denied: { 'window:day': 1 }, waiting: 0 });
  });

  it('counts a refused call in no limit', () => {
    const calls = [call(1), call(2, { price: 90_000n, charged: 90_000n }), call(3)];
    expect(forecast(policy({ lifetime: '$0.04' }), calls).denied).toEqual({ lifetime: 1 });
  });

  it('counts each asset by itself', () => {
    const calls = [call(1), call(2, { asset: 'iso4217:USD' })];
    expect(forecast(policy({ lifetime: '$0.02' }), calls).denied).toEqual({});
    const window = { every: 'day', limit: '$0.01', asset: 'iso4217:USD' };
    expect(forecast(policy({ windows: [window] }), calls).denied).toEqual({ 'window:day': 1 });
  });

  it('names the first rule that would have refused, and calls that would have waited', () => {
    const calls = [call(1, { tool: 'mail' }), call(2, { price: 60_000n }), call(3)];
    const document = { tools: ['lookup'], perCall: '$0.05', approveAbove: '$0.01' };
    const replayed = forecast(policy(document), calls);
    expect(replayed).toEqual({ calls: 3, denied: { tool: 1, per_call: 1 }, waiting: 1 });
  });

  it('leaves out what a list of calls does not show', () => {
    const document = {
      validFrom: NOON + 1_000_000,
      maxValidity: 1,
      deny: [{ param: 'url', op: 'eq', value: 'x' }],
      require: [{ tools: ['lookup'], param: 'url', op: 'eq', value: 'x' }],
    };
    expect(forecast(policy(document), [call(1)]).denied).toEqual({});
    expect(forecast(policy({ payees: [] }), [call(1, { payee: undefined })]).denied).toEqual({});
    expect(forecast(policy({ payees: [] }), [call(1)]).denied).toEqual({ payee: 1 });
  });

  it('counts rate and repeats as the account does', () => {
    const calls = [call(1), call(1), call(2)];
    expect(forecast(policy({ rate: { limit: 2, seconds: 60 } }), calls).denied).toEqual({
      rate: 1,
    });
    expect(forecast(policy({ repeat: { times: 1, seconds: 60 } }), calls).denied).toEqual({
      repeat: 1,
    });
  });
});
