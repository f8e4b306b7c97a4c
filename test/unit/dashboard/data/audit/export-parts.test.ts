import { expect, it } from 'vitest';
import type { Management } from '../../../../../src/client/management.ts';
import { exportedParts } from '../../../../../src/dashboard/data/audit/export-parts.ts';

const pages: Readonly<Record<string, readonly string[]>> = {
  owner: ['call,price\n1,2\n', '3,4\n'],
  idle: ['call,price\n'],
  agent: ['call,price\n5,6\n', '7,8\n'],
};

const management = {
  async *export(_: string, { params }: { readonly params: { readonly account: string } }) {
    yield* pages[params.account] ?? [];
  },
} as unknown as Management;

it('joins the calls of several accounts under one line of heads', async () => {
  const parts = await exportedParts(management, {
    ...{ accounts: ['owner', 'idle', 'agent'], format: 'csv' },
    ...{ from: '2026-11-01', to: '2026-11-30' },
  });
  expect(parts.join('')).toBe('call,price\n1,2\n3,4\n5,6\n7,8\n');
});
