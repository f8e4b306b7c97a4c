import { expect, it } from 'vitest';
import { allLeaves, type LeafSource } from '../../../src/client/leaf-lines.ts';

it('reads no endless log, whatever years a gateway names', async () => {
  const years: number[] = [];
  const call = async (_: string, { query }: { readonly query: { readonly year: number } }) => {
    years.push(query.year);
    if (years.length > 10_000) throw new Error('endless');
    const items = [{ index: 0, leaf: 'x' }];
    return await Promise.resolve({ body: { size: 1, checkpoint: 'signed', items } });
  };
  const management = { call } as unknown as LeafSource['management'];
  const now = Date.UTC(2036, 5) / 1_000;
  const files = await allLeaves({ management, isWithoutLog: () => false, now });
  expect(files[0]?.year).toBe(2036);
  expect(Math.min(...years)).toBe(2026);
});
