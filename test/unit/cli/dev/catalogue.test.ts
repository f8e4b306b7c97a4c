import { describe, expect, it } from 'vitest';
import { readTools } from '../../../../src/cli/dev/catalogue.ts';

const UPSTREAM = 'http://127.0.0.1:3000';
const tool = {
  ...{ id: 'a', method: 'GET', path: '/tools/a', description: 'A.', price: '$0.01' },
  ...{ settlement: 'deferred', upstream: '/a' },
};
const textOf = (...tools: readonly object[]): string => JSON.stringify({ tools });

const faults = (text: string, upstream = UPSTREAM): readonly string[] => {
  const read = readTools(text, upstream);
  if (read.ok) throw new Error('the tools are valid');
  return read.error.map(({ field, reason }) => `${field} ${reason}`);
};

describe('readTools', () => {
  it('lists the tools on sale with their prices, and accepts upstreams of this machine', () => {
    const local = { ...tool, id: 'b', path: '/tools/b', upstream: `${UPSTREAM}/b` };
    const most = { ...tool, id: 'c', path: '/tools/c', price: { max: '$1' }, settlement: 'credit' };
    const off = { ...tool, id: 'd', path: '/tools/d', disabled: true };
    const read = readTools(textOf(tool, local, most, off), UPSTREAM);
    if (!read.ok) throw new Error(JSON.stringify(read.error));
    expect(read.value.catalogue.tools.map(({ id, price }) => [id, price])).toEqual([
      ['a', '$0.01'],
      ['b', '$0.01'],
      ['c', '$1'],
    ]);
    expect(read.value.parsed).toHaveLength(4);
  });

  it('names the field of each fault', () => {
    expect(faults(textOf({ ...tool, price: 'free', settlement: 'never' }))).toEqual([
      expect.stringMatching(/^tools\[0\]\.price must be/),
      expect.stringMatching(/^tools\[0\]\.settlement must be/),
    ]);
    const inputSchema = { type: 'object', properties: { a: { $ref: '#/$defs/none' } } };
    expect(faults(textOf(tool, { ...tool, id: 'b', path: '/tools/b', inputSchema }))).toEqual([
      expect.stringMatching(/^tools\[1\]\.inputSchema/),
    ]);
    const meter = { usage: 'openai', rates: {}, missing: 'max' };
    const price = { max: '$0.05', meter };
    expect(faults(textOf({ ...tool, settlement: 'credit', price }))).toEqual([
      expect.stringMatching(/^tools\[0\]\.price\.meter\.rates must be/),
    ]);
    expect(faults(textOf(tool), '')).toEqual([
      'tools[0].upstream is a path, and UPSTREAM_URL is not set',
    ]);
  });

  it('names the line at which the file stops being JSON', () => {
    expect(faults('{\n  "tools": [\n    {,}\n  ]\n}')).toEqual([
      ' is not valid JSON: look at line 3',
    ]);
    expect(faults('{"tools": [')).toEqual([' is not valid JSON: look at line 1']);
    expect(faults('{"tools": [], "tools": []}')).toEqual([
      ' is not valid JSON: duplicate key "tools"',
    ]);
    expect(faults('\n')).toEqual([' is empty']);
  });
});
