import { isObject } from '../core/json-object.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { FieldFault } from '../protocol/fault.ts';
import { type JsonSchema, MAX_SCHEMA, MAX_SCHEMA_DEPTH } from './input-schema.ts';
import { isTexts, plainKeywords } from './plain-keywords.ts';
import { targetOf } from './schema-reference.ts';

/** The most subschemas of a schema, after its references are resolved. */
const MAX_SUBSCHEMAS = 500;

/** `relaxed`: the gateway accepts more than the schema says, at these JSON pointers. */
type ResolvedSchema = { readonly schema: JsonSchema; readonly relaxed: readonly Relaxed[] };

type Relaxed = { readonly at: string; readonly why: 'pattern' | 'recursion' | 'uniqueItems' };

/** A subschema, and whether it accepts more than the original. */
type Sub = { readonly schema: JsonSchema | boolean; readonly isRelaxed: boolean };

const DIALECTS =
  /^https?:\/\/json-schema\.org\/(?:draft\/2020-12|draft\/2019-09|draft-07|draft-06|draft-04)\/schema#?$/;
const UNSUPPORTED = ['$dynamicRef', '$recursiveRef'] as const;
const DESCRIBING = new Set(['title', 'description', 'default', 'deprecated', 'readOnly']);

/**
 * Resolves a JSON Schema of a stranger into one that the validator can use at a bounded cost: draft 2020-12, only known keywords, every
 * local `$ref` replaced by its schema.
 *
 * - References are resolved because a few nested ones make validation exponential, and a cycle never ends. If a schema contains itself,
 *   the inner one accepts everything.
 * - `pattern` and `patternProperties` are dropped because a regular expression can take seconds for 26 characters (CWE-1333), and
 *   `uniqueItems` because it compares all pairs. The upstream checks them.
 * - A keyword that inverts a relaxed schema (`not`, `if`, `oneOf`, `contains`) is relaxed too; otherwise it would reject valid arguments.
 *
 * @param root the document that contains the schema, for its references.
 * @returns the first fault; `field` is a JSON pointer.
 */
export const resolveSchema = (
  schema: unknown,
  root: unknown = schema,
): Result<ResolvedSchema, FieldFault> => {
  const walker = createWalker(root);
  const resolved = walker.walk(schema, '', 0, []);
  if (walker.fault !== undefined) return err(walker.fault);
  if (resolved.schema === false) return err({ field: '', reason: 'accepts nothing' });
  return ok({ schema: resolved.schema === true ? {} : resolved.schema, relaxed: walker.relaxed });
};

const isKnownDialect = ($schema: unknown): boolean =>
  typeof $schema === 'string' && DIALECTS.test($schema);

const createWalker = (root: unknown) => {
  let count = 0;
  let size = 0;
  const state: { fault: FieldFault | undefined; readonly relaxed: Relaxed[] } = {
    fault: undefined,
    relaxed: [],
  };
  const refuse = (field: string, reason: string): Sub => {
    state.fault ??= { field: field.slice(0, 256), reason };
    return { schema: true, isRelaxed: false };
  };
  const relax = (at: string, why: Relaxed['why']): void => {
    if (state.relaxed.length < MAX_SUBSCHEMAS) state.relaxed.push({ at, why });
  };

  const walk = (schema: unknown, at: string, depth: number, open: readonly string[]): Sub => {
    if (state.fault !== undefined) return { schema: true, isRelaxed: false };
    count += 1;
    if (count > MAX_SUBSCHEMAS) {
      return refuse(at, `has more than ${MAX_SUBSCHEMAS} subschemas with references resolved`);
    }
    if (depth > MAX_SCHEMA_DEPTH) return refuse(at, `nests deeper than ${MAX_SCHEMA_DEPTH} levels`);
    if (typeof schema === 'boolean') return { schema, isRelaxed: false };
    if (!isObject(schema)) return refuse(at, 'must be a schema');
    const { $ref, ...rest } = schema;
    for (const keyword of UNSUPPORTED) {
      if (Object.hasOwn(schema, keyword)) return refuse(at, `may not use ${keyword}`);
    }
    if (depth > 0 && typeof schema['$id'] === 'string') return refuse(at, 'may not have an $id');
    const { $schema } = schema;
    if (depth === 0 && $schema !== undefined && !isKnownDialect($schema)) {
      return refuse(at, 'names a $schema that the gateway does not know');
    }
    if ($ref === undefined) return keywords(rest, at, depth, open);
    return joined(follow($ref, at, depth, open), keywords(rest, at, depth, open));
  };

  const follow = ($ref: unknown, at: string, depth: number, open: readonly string[]): Sub => {
    if (typeof $ref !== 'string' || !$ref.startsWith('#')) {
      return refuse(`${at}/$ref`, 'may only name a part of the same document');
    }
    if (open.includes($ref)) {
      relax(at, 'recursion');
      return { schema: true, isRelaxed: true };
    }
    const target = targetOf(root, $ref);
    if (target === undefined) return refuse(`${at}/$ref`, 'names nothing in the document');
    return walk(target, at, depth + 1, [...open, $ref]);
  };

  const keywords = (
    schema: Readonly<Record<string, unknown>>,
    at: string,
    depth: number,
    open: readonly string[],
  ): Sub => {
    const out: Record<string, unknown> = {};
    let isRelaxed = false;
    const set = (keyword: string, value: unknown): void => {
      size += keyword.length + JSON.stringify(value).length + 4;
      if (size > MAX_SCHEMA)
        refuse(at, `is over ${MAX_SCHEMA} characters with references resolved`);
      out[keyword] = value;
    };
    const sub = (value: unknown, ...path: readonly (string | number)[]): Sub => {
      const found = walk(value, [at, ...path.map(escaped)].join('/'), depth + 1, open);
      isRelaxed ||= found.isRelaxed;
      return found;
    };
    const map = (keyword: string, value: unknown): Record<string, JsonSchema | boolean> => {
      const found: Record<string, JsonSchema | boolean> = {};
      if (!isObject(value)) {
        refuse(`${at}/${keyword}`, 'must be an object of schemas');
        return found;
      }
      for (const [name, member] of Object.entries(value)) {
        if (name === '__proto__') refuse(`${at}/${keyword}`, 'may not name __proto__');
        else found[name] = sub(member, keyword, name).schema;
        size += name.length + 4;
      }
      return found;
    };
    const list = (keyword: string, value: unknown): readonly Sub[] => {
      if (!Array.isArray(value) || value.length === 0) {
        refuse(`${at}/${keyword}`, 'must be an array of schemas');
        return [];
      }
      return value.map((member, index) => sub(member, keyword, index));
    };

    plainKeywords(schema, at, set, refuse);
    if (schema['pattern'] !== undefined) {
      relax(at, 'pattern');
      isRelaxed = true;
    }
    if (schema['uniqueItems'] === true) {
      relax(at, 'uniqueItems');
      isRelaxed = true;
    }
    for (const keyword of ['properties', 'dependentSchemas'] as const) {
      if (schema[keyword] !== undefined) out[keyword] = map(keyword, schema[keyword]);
    }
    // Draft 7 and earlier.
    if (isObject(schema['dependencies'])) {
      const entries = Object.entries(schema['dependencies']);
      const isNames = ([, value]: readonly [string, unknown]): boolean => Array.isArray(value);
      const required = Object.fromEntries(entries.filter(isNames));
      if (!Object.values(required).every(isTexts))
        refuse(at, 'has dependencies that are not names');
      set('dependentRequired', required);
      out['dependentSchemas'] = map(
        'dependencies',
        Object.fromEntries(entries.filter((entry) => !isNames(entry))),
      );
    }
    for (const keyword of ['allOf', 'anyOf'] as const) {
      if (schema[keyword] === undefined) continue;
      out[keyword] = list(keyword, schema[keyword]).map((each) => each.schema);
    }
    if (schema['oneOf'] !== undefined) {
      const all = list('oneOf', schema['oneOf']);
      const alternatives = all.map((each) => each.schema);
      // A relaxed alternative may match beside the intended one.
      if (all.some((each) => each.isRelaxed)) {
        out['allOf'] = [
          ...((out['allOf'] as unknown[] | undefined) ?? []),
          { anyOf: alternatives },
        ];
      } else out['oneOf'] = alternatives;
    }
    if (schema['not'] !== undefined) {
      const { schema: not, isRelaxed: isWider } = sub(schema['not'], 'not');
      if (!isWider) out['not'] = not;
    }
    if (schema['if'] !== undefined) {
      const condition = sub(schema['if'], 'if');
      const branches = (['then', 'else'] as const).flatMap((keyword) =>
        schema[keyword] === undefined ? [] : [[keyword, sub(schema[keyword], keyword)] as const],
      );
      if (!condition.isRelaxed) {
        out['if'] = condition.schema;
        for (const [keyword, branch] of branches) out[keyword] = branch.schema;
      }
    }
    if (schema['contains'] !== undefined) {
      const contains = sub(schema['contains'], 'contains');
      if (contains.isRelaxed) {
        delete out['minContains'];
        delete out['maxContains'];
      } else out['contains'] = contains.schema;
    }
    if (schema['propertyNames'] !== undefined) {
      out['propertyNames'] = sub(schema['propertyNames'], 'propertyNames').schema;
    }
    const { items, prefixItems = Array.isArray(items) ? items : undefined } = schema;
    if (prefixItems !== undefined && (!Array.isArray(prefixItems) || prefixItems.length > 0)) {
      out['prefixItems'] = list('prefixItems', prefixItems).map((each) => each.schema);
    }
    const others = Array.isArray(items) ? schema['additionalItems'] : items;
    if (others !== undefined) out['items'] = sub(others, 'items').schema;
    if (schema['patternProperties'] !== undefined) {
      relax(at, 'pattern');
      isRelaxed = true;
    } else if (schema['additionalProperties'] !== undefined) {
      out['additionalProperties'] = sub(
        schema['additionalProperties'],
        'additionalProperties',
      ).schema;
    }
    for (const keyword of ['unevaluatedProperties', 'unevaluatedItems'] as const) {
      if (schema[keyword] === undefined) continue;
      const found = sub(schema[keyword], keyword);
      // The members that a relaxed schema evaluates are not known.
      if (!isRelaxed) out[keyword] = found.schema;
    }
    return { schema: out, isRelaxed };
  };

  return Object.assign(state, { walk });
};

/** Joins a reference with the keywords beside it: since draft 2019-09 both apply. */
const joined = (target: Sub, beside: Sub): Sub => {
  const isRelaxed = target.isRelaxed || beside.isRelaxed;
  if (typeof beside.schema === 'boolean' || Object.keys(beside.schema).length === 0) {
    return { schema: target.schema, isRelaxed };
  }
  if (typeof target.schema === 'boolean') {
    return { schema: target.schema ? beside.schema : false, isRelaxed };
  }
  if (Object.keys(beside.schema).every((keyword) => DESCRIBING.has(keyword))) {
    return { schema: { ...target.schema, ...beside.schema }, isRelaxed };
  }
  const { allOf = [], ...rest } = beside.schema;
  return { schema: { ...rest, allOf: [...(allOf as unknown[]), target.schema] }, isRelaxed };
};

const escaped = (token: string | number): string =>
  String(token).replaceAll('~', '~0').replaceAll('/', '~1');
