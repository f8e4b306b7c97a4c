import type { JsonSchema } from '../../catalog/input-schema.ts';
import type { Tool } from '../../catalog/tool.ts';
import { isObject } from '../../core/json-object.ts';

/**
 * Makes up arguments for a test call: those that the schema requires. A value that the schema names comes first: `default`, `examples`,
 * `const`, `enum`. Other values fit the type, and may still be ones that the upstream does not know.
 */
export const sampleArguments = ({
  inputSchema,
}: Pick<Tool, 'inputSchema'>): Readonly<Record<string, unknown>> => {
  // `resolveSchema` would drop the examples.
  const sample = samplesIn(inputSchema)(inputSchema, MAX_LEVELS);
  return isObject(sample) ? sample : {};
};

const MAX_LEVELS = 8;

type Sample = (schema: unknown, levels: number) => unknown;

/** Makes samples for the schemas of a document, to which their references point. */
const samplesIn = (root: JsonSchema): Sample => {
  const sample: Sample = (given, levels) => {
    const schema = referred(root, given);
    if (!isObject(schema) || levels === 0) return 'example';
    for (const value of [schema['default'], firstOf(schema['examples']), schema['example']])
      if (value !== undefined) return value;
    if ('const' in schema) return schema['const'];
    const listed = firstOf(schema['enum']);
    if (listed !== undefined) return listed;
    for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
      const first = firstOf(schema[keyword]);
      if (first !== undefined && schema['properties'] === undefined)
        return sample(first, levels - 1);
    }
    return ofType(schema, levels);
  };
  const ofType = (schema: JsonSchema, levels: number): unknown => {
    const { type: types, properties } = schema;
    const type: unknown = Array.isArray(types) ? firstOf(types) : types;
    if (type === 'object' || (type === undefined && properties !== undefined))
      return ofObject(schema, levels);
    if (type === 'array')
      return numberIn(schema, 'minItems') > 0 ? [sample(schema['items'], levels - 1)] : [];
    if (type === 'integer' || type === 'number') return numberOf(schema);
    if (type === 'boolean') return true;
    return type === 'null' ? null : textOf(schema);
  };
  const ofObject = ({ properties, required }: JsonSchema, levels: number): unknown => {
    const names = Array.isArray(required) ? required.map(String) : [];
    const members = isObject(properties) ? properties : {};
    return Object.fromEntries(
      names.map((name) => [
        name,
        sample(Object.hasOwn(members, name) ? members[name] : {}, levels - 1),
      ]),
    );
  };
  return sample;
};

/** The schema that `{"$ref": "#/$defs/name"}` points to; any other schema as it is. */
const referred = (root: JsonSchema, schema: unknown): unknown => {
  const reference = isObject(schema) ? schema['$ref'] : undefined;
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return schema;
  const keys = reference.slice(2).split('/');
  return keys
    .map((key) => decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (at, key) => (isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined),
      root,
    );
};

const FORMATS: Readonly<Record<string, string>> = {
  date: '2030-01-01',
  'date-time': '2030-01-01T00:00:00Z',
  time: '00:00:00Z',
  email: 'user@example.com',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
  ipv4: '192.0.2.1',
  hostname: 'example.com',
};

const textOf = (schema: JsonSchema): string => {
  const format = FORMATS[String(schema['format'])];
  if (format !== undefined) return format;
  const least = Math.min(numberIn(schema, 'minLength'), 1_000);
  const most = 'maxLength' in schema ? numberIn(schema, 'maxLength') : 1_000;
  return 'example'.padEnd(least, ' example').slice(0, most);
};

const numberOf = (schema: JsonSchema): number => {
  if ('minimum' in schema) return Math.ceil(numberIn(schema, 'minimum'));
  if ('exclusiveMinimum' in schema) return Math.floor(numberIn(schema, 'exclusiveMinimum')) + 1;
  return 'maximum' in schema ? Math.min(1, Math.floor(numberIn(schema, 'maximum'))) : 1;
};

const numberIn = (schema: JsonSchema, keyword: string): number => {
  const value = schema[keyword];
  return typeof value === 'number' ? value : 0;
};

const firstOf = (value: unknown): unknown =>
  Array.isArray(value) ? (value as readonly unknown[])[0] : undefined;
