import { requestOf, type ToolArguments } from '../catalog/tool-request.ts';
import type { Tool } from '../catalog/tool.ts';
import { decodeUtf8 } from '../crypto/bytes.ts';
import { isObject } from '../core/json-object.ts';
import type { ListedTool } from './listing.ts';

/** A request for a tool that a reader can copy: its required arguments hold values of the schema, or their names in capitals. */
export type ExampleCall = {
  readonly method: string;
  readonly url: string;
  /** JSON; undefined for a request without a body. */
  readonly body: string | undefined;
};

const WITH_BODY = /^(?:POST|PUT|PATCH)$/;

/** Builds the example of a tool from its input schema, or a bare request where the schema does not suffice. */
export const exampleCall = ({ source, url, method }: ListedTool): ExampleCall => {
  const request = requestOf(source, exampleArguments(source));
  const bare = { method: method === '*' ? 'GET' : method, url, body: undefined };
  if (method === '*' || source.path.endsWith('*')) return bare;
  if (!request.ok) return { ...bare, body: WITH_BODY.test(method) ? '{}' : undefined };
  const { target, body } = request.value;
  return {
    method,
    url: new URL(url).origin + target,
    body: body === undefined ? undefined : decodeUtf8(body),
  };
};

const exampleArguments = ({ inputSchema: { properties, required } }: Tool): ToolArguments => {
  const schemas = isObject(properties) ? properties : {};
  // A name that is not well-formed has no canonical JSON.
  const names = listOf(required).filter((name) => typeof name === 'string' && name.isWellFormed());
  return Object.fromEntries(
    (names as readonly string[]).map((name) => [name, exampleValue(name, schemas[name])]),
  );
};

const exampleValue = (name: string, schema: unknown): unknown => {
  const {
    default: standard,
    examples,
    enum: allowed,
    type,
    minimum,
  } = isObject(schema) ? schema : {};
  const known = [standard, ...listOf(examples), ...listOf(allowed)].find((each) => isShort(each));
  if (known !== undefined) return known;
  if (type === 'integer' || type === 'number') return typeof minimum === 'number' ? minimum : 1;
  if (type === 'boolean') return true;
  if (type === 'array') return [];
  return type === 'object' ? {} : name.toUpperCase();
};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const isShort = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && /^[\w .,-]{1,40}$/.test(value));
