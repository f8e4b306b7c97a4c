import { describe, expect, it } from 'vitest';
import { sampleArguments } from '../../../../src/cli/dev/sample-arguments.ts';
import { validateArguments } from '../../../../src/catalog/arguments.ts';
import type { JsonSchema } from '../../../../src/catalog/input-schema.ts';

const schemaOf = (properties: JsonSchema, required = Object.keys(properties)): JsonSchema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

describe('sampleArguments', () => {
  it('gives only what the schema requires', () => {
    const inputSchema = schemaOf({ a: { type: 'string' }, b: { type: 'string' } }, ['a']);
    expect(sampleArguments({ inputSchema })).toEqual({ a: 'example' });
    expect(sampleArguments({ inputSchema: { type: 'object', properties: {} } })).toEqual({});
  });

  it('takes a value that the schema names before one of its own', () => {
    const inputSchema = schemaOf({
      a: { type: 'string', default: 'river', examples: ['sea'] },
      b: { type: 'string', examples: ['sea'], enum: ['lake', 'sea'] },
      c: { enum: ['fr', 'de'] },
      d: { const: 7 },
    });
    expect(sampleArguments({ inputSchema })).toEqual({ a: 'river', b: 'sea', c: 'fr', d: 7 });
  });

  it.each([
    { type: 'string', minLength: 20 },
    { type: 'string', maxLength: 3 },
    { type: 'integer', minimum: 5 },
    { type: 'integer', exclusiveMinimum: 5, maximum: 9 },
    { type: 'number', maximum: -2 },
    { type: 'boolean' },
    { type: ['integer', 'null'] },
    { type: 'array', items: { type: 'string' }, minItems: 1 },
    { anyOf: [{ type: 'integer' }, { type: 'string' }] },
    { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] },
    { $ref: '#/$defs/word' },
  ] satisfies readonly JsonSchema[])('fits %j', async (argument) => {
    const inputSchema = {
      ...schemaOf({ a: argument }),
      $defs: { word: { type: 'string', minLength: 1 } },
    };
    const sample = sampleArguments({ inputSchema });
    expect(await validateArguments({ inputSchema }, sample)).toEqual({
      ok: true,
      value: undefined,
    });
  });
});
