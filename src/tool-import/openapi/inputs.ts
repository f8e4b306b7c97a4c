import { isObject } from '../../core/json-object.ts';
import type { ArgumentPlace } from '../../catalog/argument-place.ts';
import { shortText } from '../../core/plain-text.ts';
import { isForwardable } from '../../catalog/forwardable.ts';
import type { JsonSchema } from '../../catalog/input-schema.ts';
import { resolveSchema } from '../../catalog/resolve-schema.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type OpenApi } from './document.ts';
import { dereferenced, type Operation } from './operation.ts';

/** One argument of a tool: a parameter, a member of the body, or the whole body. */
export type InputArgument = {
  readonly name: string;
  readonly schema: JsonSchema | boolean;
  readonly isRequired: boolean;
  readonly place: ArgumentPlace;
};

/** The arguments of an operation. `notes`: what the tool cannot take. */
export type Inputs = {
  readonly inputs: readonly InputArgument[];
  readonly notes: readonly string[];
};

const MAX_DESCRIPTION = 1_024;
/**
 * A tool's schema cannot hold more. The limit also bounds the work: all operations of a path share its parameters, and each reads them
 * again.
 */
const MAX_PARAMETERS = 500;
/** Headers that OpenAPI describes in other places (OpenAPI 3.1, Parameter Object). */
const IGNORED_HEADERS = new Set(['accept', 'content-type', 'authorization']);

/**
 * Returns the arguments for the parameters and the body of an operation.
 *
 * @returns why the operation cannot be a tool.
 */
export const inputsOf = (document: OpenApi, operation: Operation): Result<Inputs, string> => {
  const notes: string[] = [];
  const inputs: InputArgument[] = [];
  const count = listsOf(operation).reduce((sum, { length }) => sum + length, 0);
  if (count > MAX_PARAMETERS)
    return err(`it has ${count} parameters, and a tool takes at most ${MAX_PARAMETERS}`);
  for (const parameter of parametersOf(document, operation)) {
    if (parameter === undefined) return err('a parameter refers to another document');
    const input = inputOf(document, parameter);
    const name = shortText(typeof parameter['name'] === 'string' ? parameter['name'] : '', 64);
    if (input.ok) inputs.push(...(input.value === undefined ? [] : [input.value]));
    else if (parameter['required'] === true) return err(`parameter ${name} ${input.error}`);
    else notes.push(`without parameter ${name}, which ${input.error}`);
  }
  const placeholders = [...operation.path.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name);
  for (const name of placeholders) {
    if (!inputs.some(({ place }) => 'path' in place && place.path === name)) {
      return err(`its path has {${shortText(name, 64)}}, which no parameter describes`);
    }
  }
  const { requestBody } = operation.operation;
  if (requestBody !== undefined) {
    const body = bodyInputs(document, operation.method, requestBody);
    if (!body.ok) return body;
    inputs.push(...body.value.inputs);
    notes.push(...body.value.notes);
  }
  return distinct(inputs).ok ? ok({ inputs: namedApart(inputs), notes }) : distinct(inputs);
};

/**
 * Returns the parameters of a path with those of the operation, which replace those of the same name; undefined for a reference that cannot
 * be found.
 */
const parametersOf = (
  document: OpenApi,
  operation: Operation,
): readonly (Readonly<Record<string, unknown>> | undefined)[] => {
  const byKey = new Map<string, Readonly<Record<string, unknown>> | undefined>();
  for (const reference of listsOf(operation).flat()) {
    const parameter = dereferenced(document, reference);
    byKey.set(`${String(parameter?.['in'])} ${String(parameter?.['name'])}`, parameter);
  }
  return [...byKey.values()];
};

/** The parameters of the path, then those of the operation. */
const listsOf = ({ item, operation }: Operation): readonly (readonly unknown[])[] =>
  [item['parameters'], operation['parameters']].filter((list) => Array.isArray(list));

const inputOf = (
  document: OpenApi,
  parameter: Readonly<Record<string, unknown>>,
): Result<InputArgument | undefined, string> => {
  const { name, in: location, style, explode, description, content } = parameter;
  if (typeof name !== 'string' || name === '' || name.length > 64) return err('has no usable name');
  if (location === 'cookie') return err('is a cookie');
  if (content !== undefined) return err('is encoded as a document');
  const found = resolveSchema(parameter['schema'] ?? {}, document);
  if (!found.ok) return err(`has a schema that ${found.error.reason}`);
  const { schema } = found.value;
  const types = [schema['type']].flat();
  if (types.includes('object') || 'properties' in schema) return err('is an object');
  const isList = types.includes('array');
  const described =
    typeof description === 'string' && !('description' in schema)
      ? { ...schema, description: shortText(description, MAX_DESCRIPTION) }
      : schema;
  const input = { name: argumentName(name), schema: described };
  const isRequired = parameter['required'] === true;
  if (location === 'path') {
    if (isList || (style !== undefined && style !== 'simple')) return err('is not one segment');
    return ok({ ...input, isRequired: true, place: { path: name } });
  }
  if (location === 'query') {
    if (style !== undefined && style !== 'form') return err('has a style other than form');
    if (isList && explode === false) return err('joins a list with commas');
    return ok({ ...input, isRequired, place: { query: name } });
  }
  if (location !== 'header') return err('has no known place');
  const header = name.toLowerCase();
  if (IGNORED_HEADERS.has(header)) return ok(undefined);
  if (isList) return err('is a list in a header');
  if (!isForwardable(header)) return err('is a header that the gateway does not forward');
  return ok({ ...input, isRequired, place: { header } });
};

/** Models and hosts take argument names of these characters. */
const argumentName = (name: string): string =>
  name.replace(/[^A-Za-z0-9_.-]+/g, '_').replace(/^_+|_+$/g, '') || 'argument';

/** Returns one argument for each member of an object, or one argument `body` for every other body. */
const bodyInputs = (
  document: OpenApi,
  method: string,
  reference: unknown,
): Result<Inputs, string> => {
  const body = dereferenced(document, reference);
  if (body === undefined) return err('its body refers to another document');
  const isRequired = body['required'] === true;
  const content = isObject(body['content']) ? body['content'] : {};
  const [type] = Object.keys(content).filter((each) => /^application\/json\s*(?:;|$)/i.test(each));
  const media = type === undefined ? undefined : content[type];
  const others = Object.keys(content).map((each) => shortText(each, 64));
  if (!isObject(media) || method === 'GET' || method === 'HEAD') {
    const isBodiless = method === 'GET' || method === 'HEAD';
    const why = isBodiless
      ? `a ${method} request has no body`
      : `its body is ${others.join(', ') || 'undescribed'}, not application/json, which MCP calls send`;
    // Most documents mark no body as required. Without the body, the gateway would sell an upload that uploads nothing.
    return isRequired || (!isBodiless && others.length > 0)
      ? err(why)
      : ok({ inputs: [], notes: [`without body: ${why}`] });
  }
  const found = resolveSchema(media['schema'] ?? {}, document);
  if (!found.ok)
    return err(`its body ${found.error.reason} (${found.error.field || 'at its root'})`);
  const schema = writable(found.value.schema);
  const members = membersOf(schema);
  if (members === undefined) {
    return ok({
      inputs: [{ name: 'body', schema, isRequired, place: { pointer: '' } }],
      notes: [],
    });
  }
  const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : [];
  return ok({
    notes: [],
    inputs: Object.entries(members).map(([name, member]) => ({
      name: argumentName(name),
      schema: member,
      isRequired: isRequired && required.includes(name),
      place: { pointer: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` },
    })),
  });
};

const OF_OBJECTS = ['type', 'properties', 'required', 'title', 'description'];

/** True for a schema that only names the members of an object. */
const isPlainObject = (schema: JsonSchema, more: readonly string[] = []): boolean =>
  Object.keys(schema).every((keyword) => [...OF_OBJECTS, ...more].includes(keyword)) &&
  (schema['type'] === undefined || schema['type'] === 'object');

/** Returns the members of a schema that is an object of named members and nothing else. */
const membersOf = (
  schema: JsonSchema,
): Readonly<Record<string, JsonSchema | boolean>> | undefined => {
  const { properties, additionalProperties: others } = schema;
  const isClosed = others === undefined || typeof others === 'boolean';
  return isPlainObject(schema, ['additionalProperties']) && isClosed && isObject(properties)
    ? (properties as Readonly<Record<string, JsonSchema | boolean>>)
    : undefined;
};

/** Joins the objects of `allOf` at the root, and drops members that only answers contain (`readOnly`). */
const writable = (schema: JsonSchema): JsonSchema => {
  const { allOf, ...own } = schema;
  const parts = [
    own,
    ...(Array.isArray(allOf) ? (allOf as readonly JsonSchema[]).map(writable) : []),
  ];
  const canJoin =
    allOf !== undefined && parts.every((part) => isObject(part) && isPlainObject(part));
  const joined = canJoin ? parts.reduce(joinedObjects) : schema;
  if (!isObject(joined['properties'])) return joined;
  const kept = Object.entries(joined['properties']).filter(
    ([, member]) => !(isObject(member) && member['readOnly'] === true),
  );
  const properties = Object.fromEntries(kept);
  const required = Array.isArray(joined['required'])
    ? {
        required: (joined['required'] as string[]).filter((name) =>
          Object.hasOwn(properties, name),
        ),
      }
    : {};
  return { ...joined, properties, ...required };
};

const joinedObjects = (a: JsonSchema, b: JsonSchema): JsonSchema => ({
  ...b,
  ...a,
  properties: {
    ...(a['properties'] as object | undefined),
    ...(b['properties'] as object | undefined),
  },
  required: [
    ...((a['required'] as readonly string[] | undefined) ?? []),
    ...((b['required'] as readonly string[] | undefined) ?? []),
  ],
});

const kindOf = (place: ArgumentPlace): string => Object.keys(place)[0] ?? '';

/** Gives arguments of one name the kind of their place as a prefix: `query_id`, `body_id`. */
const namedApart = (inputs: readonly InputArgument[]): readonly InputArgument[] =>
  inputs.map((input) => {
    const isShared = inputs.filter(({ name }) => name === input.name).length > 1;
    const kind = kindOf(input.place).replace('pointer', 'body');
    return isShared ? { ...input, name: `${kind}_${input.name}` } : input;
  });

const distinct = (inputs: readonly InputArgument[]): Result<Inputs, string> => {
  const names = namedApart(inputs).map(({ name }) => name);
  return new Set(names).size === names.length
    ? ok({ inputs, notes: [] })
    : err('two of its parameters have one name');
};
