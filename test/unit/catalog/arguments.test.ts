import { describe, expect, it } from 'vitest';
import { validateArguments } from '../../../src/catalog/arguments.ts';
import { schemaFault } from '../../../src/catalog/schema-fault.ts';
import { type JsonSchema, OPEN_SCHEMA } from '../../../src/catalog/input-schema.ts';

const faultsOf = async (inputSchema: JsonSchema, values: Record<string, unknown>) => {
  const valid = await validateArguments({ inputSchema }, values);
  return valid.ok ? [] : valid.error.map(({ field }) => field);
};
const object = (properties: JsonSchema, more: JsonSchema = {}): JsonSchema => ({
  type: 'object',
  properties,
  ...more,
});

const order = object(
  {
    id: { type: 'integer', minimum: 0 },
    when: { type: 'string', format: 'date-time' },
    lines: {
      type: 'array',
      items: object(
        { sku: { enum: ['a', 'b'] } },
        { required: ['sku'], additionalProperties: false },
      ),
    },
  },
  { required: ['id'], additionalProperties: false },
);

describe('validateArguments', () => {
  it.each<[Record<string, unknown>, string[]]>([
    [{ id: 1, when: '2026-11-27T15:00:00Z', lines: [{ sku: 'a' }] }, []],
    [{ id: 1.0 }, []],
    [{}, ['arguments']],
    [{ id: -1 }, ['arguments.id']],
    [{ id: '1' }, ['arguments.id']],
    [{ id: 1, when: 'today' }, ['arguments.when']],
    [{ id: 1, lines: [{ sku: 'a' }, { sku: 'c' }] }, ['arguments.lines.1.sku']],
    [{ id: 1, lines: [{}] }, ['arguments.lines.0']],
    [{ id: 1, other: 1 }, ['arguments']],
  ])('judges %j', async (values, fields) => {
    expect(await faultsOf(order, values)).toEqual(fields);
  });

  it('does not find members that objects inherit', async () => {
    const schema = object({ toString: { type: 'string' } }, { required: ['constructor'] });
    expect(await faultsOf(schema, {})).toEqual(['arguments']);
    expect(await faultsOf(schema, { constructor: 1 })).toEqual([]);
  });

  it('takes everything for a tool without a schema', async () => {
    expect(await faultsOf(OPEN_SCHEMA, { a: { b: [1] } })).toEqual([]);
  });

  it('refuses arguments that are too deep or too many', async () => {
    let deep: unknown = 1;
    for (let level = 0; level < 17; level += 1) deep = [deep];
    expect(await faultsOf(OPEN_SCHEMA, { deep })).toEqual(['arguments']);
    expect(await faultsOf(OPEN_SCHEMA, { all: Array.from({ length: 20_000 }, () => 1) })).toEqual([
      'arguments',
    ]);
  });

  it('refuses arguments that would cost too much with their schema', async () => {
    const anyOf = Array.from({ length: 400 }, (_, at) => ({ required: [`m${at}`] }));
    const schema = object({ all: { type: 'array', items: { anyOf } } });
    const all = Array.from({ length: 10_000 }, () => ({}));
    const start = performance.now();
    expect(await faultsOf(schema, { all })).toEqual(['arguments']);
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  it('refuses names of members that would cost too much', async () => {
    const members = Array.from({ length: 9_000 }, (_, at) => [`z${at}`, -1] as const);
    const anyOf = Array.from({ length: 20 }, (_, at) => ({ const: at }));
    const schema = object({}, { propertyNames: { anyOf }, additionalProperties: { anyOf } });
    expect(
      await validateArguments({ inputSchema: schema }, Object.fromEntries(members)),
    ).toMatchObject({ error: [{ reason: 'are too many values for the schema of the tool' }] });
  });

  it('compares hundreds of objects with a schema of many words', async () => {
    const properties = Object.fromEntries(
      Array.from({ length: 10 }, (_, at) => [
        `m${at}`,
        { type: 'integer', title: `M${at}`, description: `Member ${at}.` },
      ]),
    );
    const schema = object({ all: { type: 'array', items: object(properties) } });
    const item = Object.fromEntries(Object.keys(properties).map((name) => [name, 1]));
    expect(await faultsOf(schema, { all: Array.from({ length: 250 }, () => item) })).toEqual([]);
  });

  it('names a faulty schema as such', async () => {
    const schema = object({ a: { $ref: 'https://evil.example/schema' } });
    expect(await faultsOf(schema, {})).toEqual(['inputSchema.properties.a.$ref']);
    expect(schemaFault(schema)).toMatchObject({ field: 'inputSchema.properties.a.$ref' });
    expect(schemaFault(order)).toBeUndefined();
  });

  it('never runs a regular expression of a schema', async () => {
    const schema = object(
      { a: { type: 'string', pattern: '^(a+)+$' } },
      { patternProperties: { '^(b+)+$': false } },
    );
    const start = performance.now();
    expect(await faultsOf(schema, { a: `${'a'.repeat(64)}!`, [`${'b'.repeat(64)}!`]: 1 })).toEqual(
      [],
    );
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});
