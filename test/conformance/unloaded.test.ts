import { expect, it, vi } from 'vitest';
import type { Gateway } from '../../src/gateway/gateway.ts';
import type { ReservedCall } from '../../src/gateway/paid-request.ts';
import { settle } from '../../src/gateway/settle.ts';

/** A module of the deployed Worker that fails to load. */
vi.mock('../../src/settlement/present/settle-now.ts', () => {
  throw new Error('broken');
});

it('reports an unknown outcome and keeps the call for the next attempt when settlement code fails to load', async () => {
  const reserved: unknown[] = [];
  const reserve = async (...all: unknown[]): Promise<unknown> => {
    reserved.push(all);
    return { verdict: 'settle', sinceBlock: 7 };
  };
  const gateway = {
    config: { rpcUrls: new Map([['eip155:84532', ['https://rpc.example']]]), confirmations: 1 },
    account: () => ({ reserve }),
  } as unknown as Gateway;
  const call = { account: 'eip155:84532:0x01', call: '0x02' };
  const payment = { token: { network: 'eip155:84532' } };
  const upfront = { call: { ...call, payment }, attempt: '0x03' } as unknown as ReservedCall;

  expect(await settle(gateway, upfront, 7)).toEqual({
    ok: false,
    error: { reason: 'settlement_unknown', retryAfter: 5 },
  });
  expect(reserved).toEqual([
    [upfront.call, '0x03', { settlement: { outcome: 'sent', backend: 'any' } }],
  ]);
});
