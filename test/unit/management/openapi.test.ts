import { openApi } from '../../../dev/openapi/document.ts';
import { EXAMPLES } from '../../../dev/openapi/operation.ts';
import { parseTools } from '../../../src/catalog/schema.ts';
import { ROUTES } from '../../../src/management/routes.ts';
import { parsePolicy } from '../../../src/policy/policy.ts';
import { describe, expect, it, test } from 'vitest';

type Json = { readonly [name: string]: unknown };

const document = JSON.parse(JSON.stringify(openApi('1.2.3'))) as Json & {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, Json>>>>;
};

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** Every object within a value, with its path. */
const objectsIn = (value: unknown, at = '#'): { readonly at: string; readonly object: Json }[] =>
  isObject(value)
    ? [
        ...(Array.isArray(value) ? [] : [{ at, object: value }]),
        ...Object.entries(value).flatMap(([name, inner]) => objectsIn(inner, `${at}/${name}`)),
      ]
    : [];

const resolve = (reference: string): unknown =>
  reference
    .split('/')
    .slice(1)
    .reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), document);

const parametersOf = (operation: Json): readonly Json[] =>
  (operation['parameters'] as readonly Json[]).map((parameter) =>
    typeof parameter['$ref'] === 'string' ? (resolve(parameter['$ref']) as Json) : parameter,
  );

describe('the OpenAPI document', () => {
  it('has the members that the specification requires', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
    expect(Object.keys(document).toSorted()).toEqual(
      ['components', 'info', 'openapi', 'paths', 'security', 'servers', 'tags'].toSorted(),
    );
    for (const { operation } of operations) {
      expect(operation['responses']).toMatchObject({ 200: { description: expect.any(String) } });
    }
    for (const response of Object.values(document.components['responses'] ?? {})) {
      expect(response['description']).toEqual(expect.any(String));
    }
  });

  it('references only its own components', () => {
    const references = objectsIn(document).flatMap(({ object }) =>
      typeof object['$ref'] === 'string' ? [object['$ref']] : [],
    );
    expect(references.length).toBeGreaterThan(100);
    for (const reference of references) expect(resolve(reference), reference).toBeDefined();
  });

  it('has no component without a reference', () => {
    const text = JSON.stringify(document);
    for (const [kind, all] of Object.entries(document.components)) {
      if (kind === 'securitySchemes') continue;
      for (const name of Object.keys(all)) {
        expect(text, name).toContain(`"#/components/${kind}/${name}"`);
      }
    }
  });

  it('declares each parameter of a path, and no other', () => {
    for (const { path, operation } of operations) {
      const inPath = parametersOf(operation).filter((one) => one['in'] === 'path');
      const named = [...path.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name);
      expect(inPath.map(({ name }) => name)).toEqual(named);
      expect(inPath.every(({ required }) => required === true)).toBe(true);
    }
  });

  it('declares each parameter once', () => {
    for (const { operation } of operations) {
      const names = parametersOf(operation).map(
        ({ in: place, name }) => `${String(place)}:${String(name)}`,
      );
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('has each route once, with its id', () => {
    expect(operations.map(({ operation }) => String(operation['operationId'])).toSorted()).toEqual(
      ROUTES.map(({ id }) => id).toSorted(),
    );
    expect(
      operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`).toSorted(),
    ).toEqual(
      ROUTES.map(
        ({ method, path }) => `${method} ${path.replace(/:([a-z]+)/g, '{$1}')}`,
      ).toSorted(),
    );
  });

  it('has an example for each request body', () => {
    for (const route of ROUTES) {
      const operation = operations.find(({ operation: one }) => one['operationId'] === route.id);
      expect(operation?.operation['requestBody'] !== undefined, route.id).toBe(
        route.body !== undefined,
      );
      expect(route.id in EXAMPLES, route.id).toBe(route.body !== undefined);
    }
  });
});

/** The keywords of JSON Schema 2020-12 that the document may use. Any other is a typo, or needs a review. */
const KEYWORDS = new Set([
  ...['$ref', 'type', 'enum', 'const', 'anyOf', 'description', 'examples', 'default'],
  ...['properties', 'required', 'additionalProperties', 'propertyNames'],
  ...['items', 'minItems', 'maxItems', 'pattern', 'minLength', 'maxLength'],
  ...['minimum', 'maximum', 'exclusiveMinimum'],
]);
const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null'];

const checkSchema = (schema: unknown, at: string): void => {
  expect(isObject(schema), at).toBe(true);
  if (!isObject(schema)) return;
  for (const keyword of Object.keys(schema)) {
    expect(KEYWORDS.has(keyword), `${at}: ${keyword}`).toBe(true);
  }
  if (schema['type'] !== undefined) expect(TYPES, at).toContain(schema['type']);
  if (typeof schema['pattern'] === 'string')
    expect(() => new RegExp(schema['pattern'] as string, 'u'), at).not.toThrow();
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  for (const name of (schema['required'] as readonly string[] | undefined) ?? []) {
    expect(properties, `${at} requires ${name}`).toHaveProperty(name);
  }
  for (const [name, one] of Object.entries(properties)) checkSchema(one, `${at}.${name}`);
  for (const one of (schema['anyOf'] as readonly unknown[] | undefined) ?? [])
    checkSchema(one, `${at}|`);
  if (schema['items'] !== undefined) checkSchema(schema['items'], `${at}[]`);
  for (const name of ['additionalProperties', 'propertyNames'] as const) {
    if (isObject(schema[name])) checkSchema(schema[name], `${at}.*`);
  }
};

describe('its schemas', () => {
  it('use known keywords of JSON Schema only', () => {
    for (const [name, schema] of Object.entries(document.components['schemas'] ?? {})) {
      checkSchema(schema, name);
      expect(schema['type'], name).toBe('object');
    }
    const inline = objectsIn(document.paths).filter(({ at }) => at.endsWith('/schema'));
    expect(inline.length).toBeGreaterThan(100);
    for (const { at, object } of inline) checkSchema(object, at);
  });

  it('allow unknown members in answers but not in bodies', () => {
    const { schemas } = document.components;
    for (const name of ['Standing', 'Ordered', 'Call', 'Settlement', 'Entry', 'Webhook']) {
      expect(JSON.stringify(schemas?.[name]).replaceAll('"policy":', ''), name).not.toContain(
        '"additionalProperties":false',
      );
    }
    for (const name of ['Policy', 'Tool', 'WebhookDocument']) {
      expect(schemas?.[name]?.['additionalProperties'], name).toBe(false);
    }
  });
});

test('each example satisfies its schema', () => {
  for (const { id, body } of ROUTES) {
    if (body !== undefined) expect(body.safeParse(EXAMPLES[id]).success, id).toBe(true);
  }
  expect(parsePolicy(EXAMPLES['account.policy.put']).ok).toBe(true);
  expect(parseTools({ tools: [EXAMPLES['tools.put']] }, 'public').ok).toBe(true);
});
