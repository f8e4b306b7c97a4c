import { describe, expect, it } from 'vitest';
import { readPastedList } from '../../../src/tool-import/remote/pasted-list.ts';

const tool = { name: 'search', inputSchema: { type: 'object' } };
const names = async (value: unknown) => {
  const read = await readPastedList(JSON.stringify(value));
  return read.ok ? [...read.value.tools.keys()] : read.error;
};

describe('a pasted list of the tools of an MCP server', () => {
  it('is the whole answer, its result, or the tools', async () => {
    const answer = { jsonrpc: '2.0', id: 1, result: { tools: [tool] } };
    expect(await Promise.all([answer, answer.result, [tool]].map(names))).toEqual([
      ...[['search'], ['search'], ['search']],
    ]);
  });

  it('is refused if it is one page of several, or no list', async () => {
    expect(await names({ tools: [tool], nextCursor: 'b' })).toContain('one page of several');
    expect(await names({ error: {} })).toContain('no array');
    const text = await readPastedList('{');
    expect(text.ok ? '' : text.error).toBe('is not JSON');
  });

  it('names the tools that cannot be sold', async () => {
    const read = await readPastedList(JSON.stringify([{ name: 'bare' }, tool, tool]));
    expect(read.ok ? read.value.unusable : []).toEqual([
      { name: 'bare', reason: 'has no input schema' },
      { name: 'search', reason: 'is listed twice' },
    ]);
  });
});
