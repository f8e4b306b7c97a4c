import { describe, expect, it } from 'vitest';
import { parkedCall } from '../../../../src/cli/mcp/parked-calls.ts';
import type { SavedCall } from '../../../../src/client/index.ts';
import { HASH } from '../../client/server.ts';

const CALLED = { tool: 'translate', origin: 'https://gw.example', payer: '0x1' };

describe('the price of a call that waits for a person', () => {
  it.each([
    ['50000', '$0.05'],
    ['x', ''],
  ])('is the signed amount %s, whatever the gateway states: %j', (amount, price) => {
    const saved: SavedCall = {
      ...{ call: HASH, expiresAt: 1, over: 'mcp', proof: { amount } },
      request: { url: 'https://gw.example/mcp', method: 'POST', headers: [], body: '' },
    };
    expect(parkedCall(CALLED, saved)).toEqual({ ...CALLED, saved, price });
  });
});
