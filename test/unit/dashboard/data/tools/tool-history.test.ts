import { describe, expect, it } from 'vitest';
import { versionsOf } from '../../../../../src/dashboard/data/tools/tool-history.ts';
import { type Facts, factsOf } from '../../../../../src/protocol/log/facts.ts';

const entry = (seq: number, name: string, hash: string | undefined, document?: object) =>
  factsOf({
    ...{ type: hash === undefined ? 'tool.removed' : 'tool.put', seq, at: 1_000 + seq },
    outcome: hash === undefined ? { name } : { name, hash },
    evidence: { by: 'eip155:1:0xab', ...(document === undefined ? {} : { document }) },
  }) as Facts<'tool.put' | 'tool.removed'>;

describe('the history of a tool', () => {
  const cheap = { price: '$1', inputSchema: '{"type":"object"}' };
  const dear = { price: '$2', inputSchema: '{"type":"object"}' };

  it('shows what each version changed, newest first, also where the log names a text by its hash', () => {
    const entries = [
      entry(3, 'a', '0x1'),
      entry(1, 'a', '0x1', cheap),
      entry(2, 'a', '0x2', dear),
      entry(4, 'b', '0x3', { price: '$9' }),
      entry(5, 'a', undefined),
    ];
    expect(versionsOf(entries, 'a')).toMatchObject([
      { seq: 5, hash: undefined, changes: [] },
      { seq: 3, hash: '0x1', changes: [{ name: 'price', before: '$2', after: '$1' }] },
      { seq: 2, by: 'eip155:1:0xab', changes: [{ name: 'price', before: '$1', after: '$2' }] },
      { seq: 1, changes: [] },
    ]);
  });
});
