import { describe, expect, it } from 'vitest';
import { requestOf } from '../../../src/catalog/tool-request.ts';
import type { Tool } from '../../../src/catalog/tool.ts';
import { payToolIn, type PayTool } from '../../../src/pay/pay-tool.ts';
import { toolCallOf, valuesIn, withOpenedQuery } from '../../../src/pay/tool-call.ts';
import { documentsOf } from '../discovery/documents.ts';
import { toolOf } from '../gateway/fixture.ts';

/** The tool as the page reads it from the gateway's document. */
const read = (tool: Tool): PayTool => {
  const found = payToolIn(JSON.parse(JSON.stringify(documentsOf([tool]).openapi)), tool.id);
  if (found === undefined) throw new Error('the document has no such tool');
  return found;
};

const schema = (properties: Record<string, unknown>, required: readonly string[] = []) => ({
  type: 'object' as const,
  properties,
  required,
});

const lookup = toolOf({
  id: 'lookup',
  method: 'GET',
  path: '/tools/lookup',
  price: 20_000n,
  inputSchema: schema(
    { word: { type: 'string', maxLength: 5 }, n: { type: 'integer', minimum: 1 } },
    ['word'],
  ),
});

describe('the tool of a payment form', () => {
  it('has the price, the networks and the arguments of the gateway', () => {
    expect(read(lookup)).toEqual({
      id: 'lookup',
      method: 'GET',
      path: '/tools/lookup',
      price: 20_000n,
      isUpTo: false,
      settlement: 'deferred',
      networks: ['eip155:84532'],
      fields: [
        {
          name: 'word',
          place: 'query',
          isRequired: true,
          description: '',
          entry: { kind: 'text', least: 0, most: 5 },
        },
        {
          name: 'n',
          place: 'query',
          isRequired: false,
          description: '',
          entry: { kind: 'number', isWhole: true, min: 1 },
        },
      ],
    });
  });

  it('is absent where the document has no such tool, and where only a card pays', () => {
    const { openapi } = documentsOf([lookup]);
    expect(payToolIn(openapi, 'other')).toBeUndefined();
    expect(payToolIn('text', 'lookup')).toBeUndefined();
    const card = {
      'x-countersign-tool': 'card',
      'x-countersign-terms': { amount: '1', pricing: 'exact', settlement: 'card' },
    };
    expect(payToolIn({ paths: { '/card': { get: card } } }, 'card')).toBeUndefined();
  });

  it('leaves out a token that the client does not know', () => {
    const terms = { amount: '1', pricing: 'exact', settlement: 'deferred' };
    const accepts = [{ network: 'eip155:84532', asset: `0x${'11'.repeat(20)}` }];
    const get = { 'x-countersign-tool': 'odd', 'x-countersign-terms': { ...terms, accepts } };
    expect(payToolIn({ paths: { '/odd': { get } } }, 'odd')).toBeUndefined();
  });
});

describe('the request of a payment form', () => {
  it('is the one that an MCP call with the same arguments makes', () => {
    const tool = toolOf({
      id: 'mixed',
      method: 'POST',
      path: '/tools/mixed',
      price: 1n,
      arguments: {
        q: { query: 'q' },
        trace: { header: 'x-trace' },
        text: { pointer: '/text' },
        to: { pointer: '/to' },
      },
      requestHeaders: ['x-trace'],
      inputSchema: schema({
        q: { type: 'array', items: { type: 'string' } },
        trace: { type: 'string' },
        text: { type: 'string' },
        to: { enum: ['fr', 'de'] },
      }),
    });
    const typed = new Map([
      ['query:q', 'a b\n&c'],
      ['header:x-trace', 'one'],
      ['member:text', 'river & bank'],
      ['member:to', 'fr'],
    ]);
    const call = toolCallOf(read(tool), typed);
    const expected = requestOf(tool, {
      q: ['a b', '&c'],
      trace: 'one',
      text: 'river & bank',
      to: 'fr',
    });
    if (!call.ok || !expected.ok) throw new Error('both are valid');
    expect(call.value.target).toBe(expected.value.target);
    expect(call.value.method).toBe(expected.value.method);
    expect(call.value.headers).toEqual({ 'x-trace': 'one', 'Content-Type': 'application/json' });
    expect(JSON.parse(call.value.body ?? '')).toEqual(
      JSON.parse(new TextDecoder().decode(expected.value.body)),
    );
  });

  it.each([
    ['', 'Fill this in.'],
    ['rivers', 'at most 5'],
  ])('rejects the word %j, and says what to enter', (word, fault) => {
    const call = toolCallOf(read(lookup), new Map([['query:word', word]]));
    expect(call.ok ? '' : call.error.get('query:word')).toContain(fault);
  });

  it.each([
    ['1.5', 'whole number'],
    ['0', '1 or more'],
    ['9007199254740993', 'whole number'],
    ['0x10', 'Enter a number'],
  ])('rejects the number %s', (n, fault) => {
    const call = toolCallOf(
      read(lookup),
      new Map([
        ['query:word', 'a'],
        ['query:n', n],
      ]),
    );
    expect(call.ok ? '' : call.error.get('query:n')).toContain(fault);
  });

  it.each(['..', 'a/../b', './x', 'a\\..\\b'])(
    'does not leave the path of the tool: %s',
    (rest) => {
      const tool = read(toolOf({ id: 'echo', method: 'GET', path: '/tools/echo/*', price: 1n }));
      expect(toolCallOf(tool, new Map([['rest:path', rest]])).ok).toBe(false);
    },
  );

  it('adds no header: a line break is refused', () => {
    const tool = read(
      toolOf({
        id: 'h',
        method: 'GET',
        path: '/h',
        price: 1n,
        arguments: { trace: { header: 'x-trace' } },
        requestHeaders: ['x-trace'],
        inputSchema: schema({ trace: { type: 'string' } }),
      }),
    );
    expect(toolCallOf(tool, new Map([['header:x-trace', 'a\r\nb: c']])).ok).toBe(false);
  });

  it('starts with the values of the opened address, only if it is the address of the tool', () => {
    const tool = read(lookup);
    expect(valuesIn(tool, new URL('https://gw.example/tools/lookup?word=a%20b&x=1'))).toEqual(
      new Map([['query:word', 'a b']]),
    );
    expect(valuesIn(tool, new URL('https://gw.example/?word=a'))).toEqual(new Map());
  });

  it('keeps path and query of an opened address where the tool describes no arguments', () => {
    const opened = new URL('https://gw.example/tools/echo/a%2Fb/c?x=1&y=%20');
    const tool = withOpenedQuery(
      read(toolOf({ id: 'echo', method: 'GET', path: '/tools/echo/*', price: 1n })),
      opened,
    );
    const call = toolCallOf(tool, valuesIn(tool, opened));
    expect(call.ok && call.value.target).toBe('/tools/echo/a/b/c?x=1&y=%20');
  });
});
