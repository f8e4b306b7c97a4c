import { describe, expect, test } from 'vitest';
import { planOf } from '../../src/tool-import/plan.ts';
import { toolHash } from '../../src/catalog/stored-tool.ts';
import type { Json } from '../../src/protocol/entry.ts';
import type { ToolDocument } from '../../src/management/tool.route.ts';

describe('a plan', () => {
  const tool = (id: string, fields: Partial<ToolDocument> = {}): ToolDocument => ({
    ...{ id, method: 'GET', path: `/tools/${id}`, description: id, price: '$0.01' },
    ...{ settlement: 'deferred', upstream: `/${id}` },
    ...fields,
  });
  const item = (document: ToolDocument) =>
    ({
      id: document.id,
      etag: toolHash(document as unknown as Json),
      source: 'file',
      disabled: false,
      tool: document,
    }) as never;

  test('removes, then changes, then adds, each with the ETag it read', () => {
    const there = [item(tool('old')), item(tool('same')), item(tool('other'))];
    const wanted = [tool('new'), tool('same'), tool('other', { price: '$0.02' })];
    expect(planOf(there, wanted, false)).toMatchObject([
      { kind: 'remove', id: 'old', etag: toolHash(tool('old') as unknown as Json) },
      {
        kind: 'change',
        id: 'other',
        etag: toolHash(tool('other') as unknown as Json),
        fields: [{ name: 'price', before: '$0.01', after: '$0.02' }],
      },
      { kind: 'add', id: 'new' },
    ]);
    expect(planOf(there, wanted, true).map(({ kind }) => kind)).toEqual(['change', 'add']);
    expect(planOf(there.slice(1, 2), [tool('same')], false)).toEqual([]);
  });

  test("ignores the order of a tool's members", () => {
    const { id, ...rest } = tool('same');
    expect(planOf([item({ ...rest, id })], [tool('same')], false)).toEqual([]);
  });
});
