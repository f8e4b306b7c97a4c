import { describe, expect, it } from 'vitest';
import type { JsonSchema } from '../../../src/catalog/input-schema.ts';
import { resolveSchema } from '../../../src/catalog/resolve-schema.ts';

const resolved = (schema: unknown, root?: unknown) => {
  const found = resolveSchema(schema, root ?? schema);
  return found.ok ? found.value.schema : found.error.field;
};
const object = (properties: JsonSchema, more: JsonSchema = {}): JsonSchema => ({
  type: 'object',
  properties,
  ...more,
});

describe('resolveSchema', () => {
  it('replaces references to a pointer, an escaped name and an anchor', () => {
    const $defs = {
      'a/b': { type: 'string' },
      c: { $anchor: 'here', type: 'number' },
      d: { $ref: '#/$defs/a~1b', description: 'D' },
    };
    expect(
      resolved(
        object({ x: { $ref: '#/$defs/d' }, y: { $ref: '#here', minimum: 1 }, z: true }, { $defs }),
      ),
    ).toEqual(
      object({
        x: { type: 'string', description: 'D' },
        y: { minimum: 1, allOf: [{ type: 'number' }] },
        z: true,
      }),
    );
  });

  it.each<[string, JsonSchema, string]>([
    [
      'a reference to another host',
      object({ a: { $ref: 'https://x.example/s' } }),
      '/properties/a/$ref',
    ],
    ['a reference to a file', object({ a: { $ref: 'pets.yaml#/Pet' } }), '/properties/a/$ref'],
    ['a reference to nothing', object({ a: { $ref: '#/$defs/none' } }), '/properties/a/$ref'],
    ['an inherited member', object({ a: { $ref: '#/constructor' } }), '/properties/a/$ref'],
    ['a bad escape', object({ a: { $ref: '#/%zz' } }), '/properties/a/$ref'],
    ['a dynamic reference', object({ a: { $dynamicRef: '#a' } }), '/properties/a'],
    ['an inner $id', object({ a: { $id: 'https://x.example' } }), '/properties/a'],
    ['an unknown dialect', { $schema: 'https://x.example/schema', type: 'object' }, ''],
    ['an unknown type', object({ a: { type: 'file' } }), '/properties/a/type'],
    ['a limit of text', object({ a: { minimum: '1' } }), '/properties/a/minimum'],
    ['a negative length', object({ a: { maxLength: -1 } }), '/properties/a/maxLength'],
    ['a step of zero', object({ a: { multipleOf: 0 } }), '/properties/a/multipleOf'],
    ['names that are not text', object({}, { required: [1] }), '/required'],
    ['a member that is no schema', object({ a: 1 }), '/properties/a'],
    ['an empty list', object({ a: { anyOf: [] } }), '/properties/a/anyOf'],
  ])('refuses %s', (_, schema, field) => {
    expect(resolved(schema)).toBe(field);
  });

  it('stops at 500 subschemas, also when references multiply them', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 30 }, (_, at) => [
        `d${at}`,
        { anyOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
      ]),
    );
    const bomb = object({ a: { $ref: '#/$defs/d0' } }, { $defs: { ...$defs, d30: {} } });
    const start = performance.now();
    expect(resolveSchema(bomb)).toMatchObject({
      ok: false,
      error: { reason: expect.stringMatching(/500 subschemas|32 levels/) },
    });
    expect(performance.now() - start).toBeLessThan(500);
    const wide = object(Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`m${at}`, {}])));
    expect(resolveSchema(wide).ok).toBe(false);
  });

  it('stops when references multiply a large list of values', () => {
    const $defs = { e: { enum: Array.from({ length: 1_000 }, (_, at) => `value ${at}`) } };
    const members = Object.fromEntries(
      Array.from({ length: 100 }, (_, at) => [`m${at}`, { $ref: '#/$defs/e' }]),
    );
    expect(resolveSchema(object(members, { $defs }))).toMatchObject({
      ok: false,
      error: { reason: expect.stringContaining('65536 characters') },
    });
  });

  it('accepts everything where a schema contains itself', () => {
    const tree = object({ name: { type: 'string' }, children: { items: { $ref: '#' } } });
    const found = resolveSchema(tree);
    expect(found).toEqual({
      ok: true,
      value: {
        schema: object({ name: { type: 'string' }, children: { items: tree && resolvedTree } }),
        relaxed: [{ at: '/properties/children/items/properties/children/items', why: 'recursion' }],
      },
    });
    expect(
      resolved({ type: 'object', $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }),
    ).toEqual({
      type: 'object',
    });
  });

  it('relaxes what would invert a dropped pattern', () => {
    const a = { pattern: 'a' };
    expect(
      resolved(
        object({
          one: { oneOf: [a, { type: 'number' }] },
          not: { type: 'string', not: a },
          if: { if: a, else: { minLength: 3 } },
          has: { contains: a, maxContains: 1 },
          names: { patternProperties: { x: {} }, additionalProperties: false },
          open: { allOf: [a], unevaluatedProperties: false },
        }),
      ),
    ).toEqual(
      object({
        one: { allOf: [{ anyOf: [{}, { type: 'number' }] }] },
        not: { type: 'string' },
        if: {},
        has: {},
        names: {},
        open: { allOf: [{}] },
      }),
    );
  });

  it('reads the spellings of OpenAPI 3.0 and older drafts', () => {
    expect(
      resolved(
        object({
          a: { type: 'string', nullable: true, enum: ['x'], example: 'x', xml: {} },
          b: { type: 'number', minimum: 1, exclusiveMinimum: true },
          c: { items: [{ type: 'string' }], additionalItems: false },
          d: { dependencies: { x: ['y'], z: { required: ['w'] } } },
        }),
      ),
    ).toEqual(
      object({
        a: { type: ['string', 'null'], enum: ['x', null] },
        b: { type: 'number', minimum: 1, exclusiveMinimum: 1 },
        c: { prefixItems: [{ type: 'string' }], items: false },
        d: { dependentRequired: { x: ['y'] }, dependentSchemas: { z: { required: ['w'] } } },
      }),
    );
  });

  it('cleans descriptions', () => {
    expect(
      resolved(object({}, { description: `a\u202eb\u0007\n c${'x'.repeat(2_000)}` })),
    ).toMatchObject({
      description: expect.stringMatching(/^ab cx+…$/),
    });
  });
});

const resolvedTree = object({ name: { type: 'string' }, children: { items: true } });
