import { describe, expect, it } from 'vitest';
import { createAgent } from '../../../src/client/index.ts';
import { account, agentOf, scripted } from './server.ts';

describe('options', () => {
  it.each([
    ['spend.perCall', { spend: { perCall: '0.05', total: '$1' } }],
    ['spend.perCall', { spend: { perCall: '50000', total: '$1' } }],
    ['spend.perCall', { spend: { perCall: 0.05 as never, total: '$1' } }],
    ['spend.total', { spend: { perCall: 1n, total: -1n } }],
    ['spend.assets', { spend: { perCall: 1n, total: 1n, assets: ['eip155:1/erc20:0x00'] } }],
    ['spend.payees', { spend: { perCall: 1n, total: 1n, payees: ['0x12'] } }],
    ['audiences', { audiences: { 'gw.example': 'https://gw.example' } }],
    ['audiences', { audiences: ['https://gw.example'] as never }],
    ['retries', { retries: -1 }],
    ['timeoutSeconds', { timeoutSeconds: 0 }],
  ])('rejects an invalid %s and names it', (name, more) => {
    expect(() => agentOf(scripted(), more)).toThrow(name);
  });

  it('show both forms of an amount where it is malformed', () => {
    const make = () => agentOf(scripted(), { spend: { perCall: '15', total: '$1' } });
    expect(make).toThrow(/"\$0\.02".*"20000u"/);
  });

  it.each<[string, object, RegExp]>([
    ['no spend', {}, /lack spend\.perCall and spend\.total/],
    ['no total', { spend: { perCall: '$0.05' } }, /lack spend\.total/],
    ['no cap per call', { spend: { total: '$1' } }, /lack spend\.perCall/],
  ])('with %s throw an error that shows the missing option', (_, options, message) => {
    const make = () => createAgent({ account, ...options } as never);
    expect(make).toThrow(message);
    expect(make).toThrow(
      expect.objectContaining({
        name: 'CountersignError',
        code: 'spend_missing',
        hint: expect.stringContaining("spend: { perCall: '$0.05', total: '$1.00' }") as string,
      }),
    );
  });

  it('without an account throw an error', () => {
    expect(() => createAgent({ spend: { perCall: 1n, total: 1n } } as never)).toThrow(
      expect.objectContaining({ code: 'options_invalid' }),
    );
  });
});

it('accepts an account of viem', () => {
  expect(agentOf(scripted(), { account }).spending()).toEqual({
    signed: 0n,
    charged: 0n,
    remaining: 1_000_000n,
  });
});
