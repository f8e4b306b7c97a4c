import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openParkedCalls, parkedCall } from '../../../../src/cli/mcp/parked-calls.ts';
import type { SavedCall } from '../../../../src/client/index.ts';
import { HASH } from '../../client/server.ts';

const CALLED = { tool: 'translate', origin: 'https://gw.example', payer: '0x1' };

const savedWith = (amount: string): SavedCall => ({
  ...{ call: HASH, expiresAt: 1, over: 'mcp', proof: { amount } },
  request: { url: 'https://gw.example/mcp', method: 'POST', headers: [], body: '' },
});

describe('the price of a call that waits for a person', () => {
  it.each([
    ['50000', '$0.05'],
    ['x', ''],
  ])('is the signed amount %s, whatever the gateway states: %j', (amount, price) => {
    const saved = savedWith(amount);
    expect(parkedCall(CALLED, saved)).toEqual({ ...CALLED, saved, price });
  });
});

describe('a stored call', () => {
  it('is found by the next bridge, in a file that only the user may read', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'countersign-parked-'));
    const open = () => openParkedCalls({ directory, now: () => 0, note: () => undefined });
    try {
      const parked = parkedCall(CALLED, savedWith('50000'));
      await open().keep(parked);
      expect(await open().all()).toEqual([parked]);
      const [file = ''] = await readdir(directory);
      // The file contains the secret that runs the call.
      expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
      await open().drop(HASH);
      expect(await open().find(HASH)).toBeUndefined();
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
