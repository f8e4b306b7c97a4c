import { isObject } from '../../core/json-object.ts';
import { type Document, isScalar, parseDocument, visit } from 'yaml';
import { shortText } from '../../core/plain-text.ts';
import { err, ok, type Result } from '../../core/result.ts';

/** A parsed OpenAPI document. Nothing in it has been checked. */
export type OpenApi = { readonly [member: string]: unknown };

/** The longest file, in bytes. */
export const MAX_OPENAPI = 16 * 1024 * 1024;
const MAX_LEVELS = 100;
const MAX_VALUES = 1_000_000;
/** A chain of aliases doubles the document with each link. */
const MAX_ALIASES = 100;

/**
 * Reads an OpenAPI document of version 3.0 or 3.1, in JSON or YAML, as plain JSON: a bounded copy, because YAML can repeat and contain itself.
 *
 * @returns why the text is not one, as the end of a sentence.
 */
export const readOpenApi = (text: string): Result<OpenApi, string> => {
  let value: unknown;
  try {
    // JSON is YAML, but the parser of the runtime reads it a hundred times faster.
    value = text.trimStart().startsWith('{') ? JSON.parse(text) : readYaml(text);
  } catch (thrown) {
    const why = thrown instanceof RangeError ? 'it nests too deep' : firstLine(thrown);
    return err(`is neither JSON nor valid YAML: ${why}`);
  }
  let count = 0;
  const copy = (from: unknown, levels: number): unknown => {
    count += 1;
    if (typeof from === 'number') return Number.isFinite(from) ? from : null;
    if (typeof from === 'string' || typeof from === 'boolean' || from === null) return from;
    if (typeof from !== 'object') return null;
    if (levels === 0 || count > MAX_VALUES) {
      count = Number.POSITIVE_INFINITY;
      return null;
    }
    if (Array.isArray(from)) return from.map((item) => copy(item, levels - 1));
    const members = Object.entries(from).filter(([key]) => key !== '__proto__');
    return Object.fromEntries(members.map(([key, member]) => [key, copy(member, levels - 1)]));
  };
  const document = copy(value, MAX_LEVELS);
  if (count > MAX_VALUES) {
    return err(`has more than ${MAX_VALUES} values or ${MAX_LEVELS} levels`);
  }
  if (!isObject(document)) return err('is not an object');
  const version = document['openapi'];
  if (typeof version === 'string' && /^3\.[01]\.\d{1,3}/.test(version)) return ok(document);
  return 'swagger' in document
    ? err('is Swagger 2.0: convert it to OpenAPI 3 first')
    : err('does not say `openapi: 3.0.x` or `3.1.x`');
};

/** @throws if the text is not YAML, or has a key twice */
const readYaml = (text: string): unknown => {
  // `uniqueKeys` compares each key of a mapping with all keys before it: 40,000 keys would take minutes (CWE-407).
  const document = parseDocument(text, { uniqueKeys: false, version: '1.2', schema: 'core' });
  const [fault] = document.errors;
  if (fault !== undefined) throw fault;
  rejectRepeatedKeys(document);
  return document.toJS({ maxAliasCount: MAX_ALIASES });
};

/** Parsers disagree about which of two equal keys counts. */
const rejectRepeatedKeys = (document: Document): void =>
  visit(document, {
    Map: (_, { items }) => {
      const keys = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key)) throw new Error('a key is not text');
        const name = String(key.value);
        if (keys.has(name)) throw new Error(`the key ${shortText(name, 64)} is there twice`);
        keys.add(name);
      }
    },
  });

const firstLine = (thrown: unknown): string =>
  (String(thrown).split('\n', 1)[0] ?? '').replace(/^\w*Error: |:$/g, '').slice(0, 160);
