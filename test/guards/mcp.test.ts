import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../src/core/clock.ts';
import { trust } from '../durable-objects/support.ts';
import { addressOf } from '../unit/gateway/signing.ts';
import { AUDIENCE, type CountedGateway, countedGateway } from './gateway.ts';
import { requestWith, vanilla } from './payments.ts';
import { tally } from './tally.ts';

/** Counts what a call over MCP costs in addition to the same call over HTTP: it needs the same RPCs, signatures and recoveries. */
let gateway: CountedGateway;
beforeAll(async () => {
  gateway = await countedGateway();
  vi.useFakeTimers({ now: nowSeconds() * 1_000, toFake: ['Date'] });
  await trust(addressOf('agent'), 1_000_000n, 1_000_000_000n);
  await used(requestWith(await vanilla('agent')));
  await used(callWith(await vanilla('agent')));
});
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const callWith = (payment?: unknown): Request =>
  new Request(`${AUDIENCE}/mcp`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'lookup',
        arguments: { word: 'river' },
        ...(payment === undefined ? {} : { _meta: { 'x402/payment': payment } }),
      },
    }),
  });

const used = async (request: Request) => {
  tally();
  const answer = await gateway.fetch(request);
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  return { text, counts: tally() };
};

test('a paid call over MCP costs one digest more than over HTTP: that of the request to the tool', async () => {
  const overHttp = await used(requestWith(await vanilla('agent')));
  const overMcp = await used(callWith(await vanilla('agent')));
  expect(overMcp.text).not.toContain('"isError"');
  expect(overMcp.counts).toEqual({
    ...overHttp.counts,
    'native.digest': Number(overHttp.counts['native.digest']) + 1,
  });
});

test('an unpaid call over MCP costs no digest, no RPC and no rate limit', async () => {
  // The first terms hash the addresses that they name.
  await used(callWith());
  const { text, counts } = await used(callWith());
  expect(text).toContain('x402Version');
  expect(counts).toEqual({});
});
