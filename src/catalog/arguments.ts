import { err, ok, type Result } from '../core/result.ts';
import type { FieldFault } from '../protocol/fault.ts';
import { argumentFault } from './argument-fault.ts';
import { type JsonSchema, OPEN_SCHEMA } from './input-schema.ts';
import { resolveSchema } from './resolve-schema.ts';
import { inSchema } from './schema-fault.ts';
import type { Tool } from './tool.ts';
import type { ToolArguments } from './tool-request.ts';

const MAX_DEPTH = 16;
/** The most values in the arguments of a call, members and items included. */
const MAX_VALUES = 20_000;
/**
 * The most pairs of a keyword and a value: the validator compares each pair at most once, in about half a microsecond. Anyone may send
 * arguments, so they must not cost more (law 12).
 */
const MAX_PAIRS = 100_000;

/** A schema that the validator has compiled. `weight`: its keywords and listed values. */
type Compiled =
  | { readonly check: (values: unknown) => string | undefined; readonly weight: number }
  | { readonly fault: FieldFault };

const compiledSchemas = new WeakMap<JsonSchema, Compiled>();

/**
 * Validates the arguments of an MCP call against the schema of its tool, at a bounded cost for every schema and all arguments. Loads the
 * validator with the first schema.
 *
 * @returns the first fault of the arguments, as a path such as `arguments.order.amount`; or `inputSchema` if the schema itself is faulty.
 */
export const validateArguments = async (
  { inputSchema }: Pick<Tool, 'inputSchema'>,
  values: ToolArguments,
): Promise<Result<undefined, readonly FieldFault[]>> => {
  const refuse = (field: string, reason: string) => err([{ field, reason }]);
  const bare = bareCopy(values);
  if (bare === undefined) {
    return refuse('arguments', `must be at most ${MAX_VALUES} values, ${MAX_DEPTH} levels deep`);
  }
  if (inputSchema === OPEN_SCHEMA) return ok(undefined);
  const compiled = compiledSchemas.get(inputSchema) ?? (await compile(inputSchema));
  compiledSchemas.set(inputSchema, compiled);
  if ('fault' in compiled) return err([compiled.fault]);
  if (bare.count * compiled.weight > MAX_PAIRS) {
    return refuse('arguments', 'are too many values for the schema of the tool');
  }
  const message = compiled.check(bare.value);
  return message === undefined ? ok(undefined) : err([argumentFault(message)]);
};

const compile = async (schema: JsonSchema): Promise<Compiled> => {
  const resolved = resolveSchema(schema);
  if (!resolved.ok) return { fault: inSchema(resolved.error) };
  const { CfWorkerJsonSchemaValidator } =
    await import('@modelcontextprotocol/server/validators/cf-worker');
  const validator = new CfWorkerJsonSchemaValidator({ draft: '2020-12' });
  try {
    const validate = validator.getValidator(resolved.value.schema);
    const check = (values: unknown): string | undefined => {
      // The validator throws for schemas and values that it does not expect. Refuse arguments that it cannot judge.
      try {
        const result = validate(values);
        return result.valid ? undefined : (result.errorMessage ?? '');
      } catch {
        return '#: The validator cannot compare the arguments with it.';
      }
    };
    return { check, weight: weightOf(resolved.value.schema) };
  } catch {
    return { fault: { field: 'inputSchema', reason: 'cannot be read by the validator' } };
  }
};

/** Counts the members and items of a schema, those of listed values included, without texts for readers. */
const weightOf = (schema: unknown): number =>
  typeof schema === 'object' && schema !== null
    ? Object.entries(schema).reduce(
        (sum, [key, member]) => sum + (isForReaders(key, member) ? 0 : weightOf(member)),
        1,
      )
    : 1;

/** Only a text counts: if a property has this name, its value is an object. */
const isForReaders = (key: string, member: unknown): boolean =>
  (key === 'title' || key === 'description') && typeof member === 'string';

/**
 * Copies JSON into objects without a prototype: the validator looks members up with `in`, and `constructor` or `toString` would be found in
 * every object.
 *
 * @returns undefined if the value is too deep or has too many members.
 */
const bareCopy = (
  root: unknown,
): { readonly value: unknown; readonly count: number } | undefined => {
  let count = 0;
  const copy = (value: unknown, levels: number): unknown => {
    count += 1;
    if (count > MAX_VALUES || levels < 0) {
      count = Number.POSITIVE_INFINITY;
      return undefined;
    }
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => copy(item, levels - 1));
    const bare = Object.create(null) as Record<string, unknown>;
    for (const [key, member] of Object.entries(value)) bare[key] = copy(member, levels - 1);
    return bare;
  };
  const value = copy(root, MAX_DEPTH);
  return count <= MAX_VALUES ? { value, count } : undefined;
};
