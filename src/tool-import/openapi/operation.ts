import { isObject } from '../../core/json-object.ts';
import { shortText } from '../../core/plain-text.ts';
import { targetOf } from '../../catalog/schema-reference.ts';
import { type OpenApi } from './document.ts';

type Members = { readonly [member: string]: unknown };

/** A method of a path in an OpenAPI document. */
export type Operation = {
  /** The id of its tool. */
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly item: Members;
  readonly operation: Members;
};

/** An operation that the import leaves out, with the reason. */
export type Skipped = { readonly operation: string; readonly why: string };

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete'];
const OTHERS = ['options', 'trace', 'query'];
const MAX_ID = 64;
const MAX_PATH = 2_048;
const MAX_REFERENCES = 8;

/**
 * Returns the operations of a document with ids for their tools: from `operationId`, or from method and path. The second of two equal ids
 * is made from method and path.
 *
 * @param namespace put before each id, with a dot.
 */
export const operationsOf = (
  document: OpenApi,
  namespace: string | undefined,
): { readonly operations: readonly Operation[]; readonly skipped: readonly Skipped[] } => {
  const operations: Operation[] = [];
  const skipped: Skipped[] = [];
  const taken = new Set<string>();
  const paths = isObject(document['paths']) ? document['paths'] : {};
  for (const [path, reference] of Object.entries(paths)) {
    if (path.length > MAX_PATH) {
      skipped.push({
        operation: shortText(path, 64),
        why: `its path is over ${MAX_PATH} characters`,
      });
      continue;
    }
    const item = dereferenced(document, reference);
    if (item === undefined) {
      skipped.push({ operation: path, why: 'it refers to another document' });
      continue;
    }
    for (const method of [...METHODS, ...OTHERS]) {
      const operation = item[method];
      if (operation === undefined) continue;
      const name = `${method.toUpperCase()} ${path}`;
      const skip = (why: string) => skipped.push({ operation: name, why });
      if (OTHERS.includes(method)) skip('a gateway does not sell this method');
      else if (!isObject(operation)) skip('it is not an object');
      else {
        const { operationId } = operation;
        const ids = [typeof operationId === 'string' ? operationId : '', `${method} ${path}`]
          .map((text) => idOf(text, namespace))
          .filter((id) => id !== undefined && !taken.has(id));
        const [id] = ids;
        if (id === undefined) skip('its id is that of an earlier operation');
        else {
          taken.add(id);
          operations.push({ id, method: method.toUpperCase(), path, item, operation });
        }
      }
    }
  }
  return { operations, skipped };
};

/** `getPetById` → `get_pet_by_id`; undefined if no part of the text can be in an id. */
const idOf = (text: string, namespace: string | undefined): string | undefined => {
  const words = text
    .slice(0, 512)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '_')
    .replace(/^[_.-]+|[_.-]+$/g, '');
  if (words === '') return undefined;
  const id = namespace === undefined ? words : `${namespace}.${words}`;
  return id.slice(0, MAX_ID).replace(/[_.-]+$/, '');
};

/** Follows local references of anything but schemas; undefined for a reference that leaves the document or leads nowhere. */
export const dereferenced = (document: OpenApi, value: unknown): Members | undefined => {
  let found = value;
  for (let hops = 0; hops < MAX_REFERENCES; hops += 1) {
    if (!isObject(found)) return undefined;
    const { $ref } = found;
    if ($ref === undefined) return found;
    if (typeof $ref !== 'string' || !$ref.startsWith('#/')) return undefined;
    found = targetOf(document, $ref);
  }
  return undefined;
};

const MAX_DESCRIPTION = 256;

/** Returns summary and description of an operation on one line; method and path if it has neither. */
export const descriptionOf = ({ method, path, operation }: Operation): string => {
  const texts = [operation['summary'], operation['description']]
    .filter((text) => typeof text === 'string')
    .map((text) => shortText(text, MAX_DESCRIPTION).replace(/[\s.]+$/, ''))
    .filter((text) => text !== '');
  const [first = '', second] = texts;
  const text =
    second === undefined || second.startsWith(first) ? (second ?? first) : texts.join('. ');
  return shortText(text === '' ? `${method} ${path}` : `${text}.`, MAX_DESCRIPTION);
};

const SUCCESSES = [...Array.from({ length: 100 }, (_, at) => String(200 + at)), '2XX'];

/** Returns the media type of the first successful response that has one. */
export const mimeTypeOf = (document: OpenApi, { operation }: Operation): string | undefined => {
  const responses = isObject(operation['responses']) ? operation['responses'] : {};
  for (const status of SUCCESSES) {
    const response = dereferenced(document, responses[status]);
    const content = isObject(response?.['content']) ? Object.keys(response['content']) : [];
    const type = content.includes('application/json') ? 'application/json' : content[0];
    const plain = type?.split(';', 1)[0]?.trim() ?? '';
    if (/^[\w!#$&^.+-]{1,64}\/[\w!#$&^.+-]{1,64}$/.test(plain)) return plain;
  }
  return undefined;
};
