import type { Client, Tool } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { namesOf } from '../../../../src/cli/mcp/names.ts';

const tool = (name: string): Tool => ({ name, inputSchema: { type: 'object' } });
const remote = (origin: string) => ({ origin, client: {} as Client });
const listed = (origin: string, ...names: string[]) => ({
  remote: remote(origin),
  tools: names.map(tool),
});

describe('namesOf', () => {
  it('keeps the names of one remote', () => {
    expect([...namesOf([listed('https://a.example', 'x', 'y')]).keys()]).toEqual(['x', 'y']);
  });

  it('puts the host before the names of several remotes, so that none takes over another’s', () => {
    const names = namesOf([
      listed('https://a.example', 'pay'),
      listed('https://b.example:8443', 'pay'),
      listed('https://a.example', 'pay'),
    ]);
    expect(
      [...names].map(
        ([
          name,
          {
            remote: { origin },
          },
        ]) => [name, origin],
      ),
    ).toEqual([
      ['a-example__pay', 'https://a.example'],
      ['b-example-8443__pay', 'https://b.example:8443'],
      ['a-example-2__pay', 'https://a.example'],
    ]);
  });

  it('keeps names within 64 characters, and the first of two that are cut to one', () => {
    const long = 'n'.repeat(70);
    const names = namesOf([listed('https://a.example', long, `${long}2`)]);
    expect([...names.keys()]).toEqual(['n'.repeat(64)]);
    expect(names.get('n'.repeat(64))?.tool.name).toBe(long);
  });

  it('gives no remote the prefix that another one got for its number', () => {
    const names = namesOf([
      listed('https://a.example', 'pay'),
      listed('https://a-example', 'pay'),
      listed('https://a-example-2', 'pay'),
      listed('https://a_example-2', 'pay'),
    ]);
    expect([...names.values()].map(({ remote: { origin } }) => origin)).toEqual([
      'https://a.example',
      'https://a-example',
      'https://a-example-2',
      'https://a_example-2',
    ]);
  });
});
