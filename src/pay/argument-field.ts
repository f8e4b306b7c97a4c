import { isObject } from '../core/json-object.ts';
import { err, ok, type Result } from '../core/result.ts';

/** Where an argument goes in the request. `rest`: the end of a path; `member`: of the body; `body`: the whole body; `search`: the query as it is. */
export type Place = 'query' | 'header' | 'rest' | 'member' | 'body' | 'search';

/** How a person enters an argument. */
export type Entry =
  | { readonly kind: 'text'; readonly least: number; readonly most: number }
  | {
      readonly kind: 'number';
      readonly isWhole: boolean;
      readonly min?: number;
      readonly max?: number;
    }
  | { readonly kind: 'choice'; readonly choices: readonly (string | number | boolean)[] }
  /** One value a line. */
  | { readonly kind: 'list' }
  | { readonly kind: 'json' };

/** One argument of a tool, as a form shows it. */
export type ArgumentField = {
  readonly name: string;
  readonly place: Place;
  readonly isRequired: boolean;
  readonly description: string;
  readonly entry: Entry;
};

/** Identifies a field: a query and a body may both have an argument of one name. */
export const keyOf = ({ place, name }: Pick<ArgumentField, 'place' | 'name'>): string =>
  `${place}:${name}`;

/** The most characters of a text without a limit of its own. */
const LONGEST = 100_000;

const limit = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

/** How to enter a value of a JSON Schema. Values without a control of their own are entered as JSON. */
export const entryOf = (schema: unknown, place: Place): Entry => {
  if (!isObject(schema))
    return {
      kind: place === 'body' || place === 'member' ? 'json' : 'text',
      least: 0,
      most: LONGEST,
    };
  const { enum: listed, const: only, type, minimum, maximum } = schema;
  const choices = Array.isArray(listed) ? listed : only === undefined ? [] : [only];
  if (choices.length > 0 && choices.every(isScalar)) return { kind: 'choice', choices };
  const kinds = (Array.isArray(type) ? type : [type]).filter((each) => each !== 'null');
  switch (kinds.length === 1 ? kinds[0] : undefined) {
    case 'string':
      return {
        kind: 'text',
        least: limit(schema['minLength']) ?? 0,
        most: Math.min(limit(schema['maxLength']) ?? LONGEST, LONGEST),
      };
    case 'integer':
    case 'number': {
      const [min, max] = [limit(minimum), limit(maximum)];
      return {
        kind: 'number',
        isWhole: kinds[0] === 'integer',
        ...(min === undefined ? {} : { min }),
        ...(max === undefined ? {} : { max }),
      };
    }
    case 'boolean':
      return { kind: 'choice', choices: [true, false] };
    case 'array':
      return isObject(schema['items']) && schema['items']['type'] === 'string'
        ? { kind: 'list' }
        : { kind: 'json' };
    default:
      return place === 'body' || place === 'member'
        ? { kind: 'json' }
        : { kind: 'text', least: 0, most: LONGEST };
  }
};

/** A value of an argument; undefined where a person left it out. */
export type Value = unknown;

/** Reads the typed text. @returns the value, or a fault that describes a valid input */
export const readValue = (
  { entry, isRequired }: ArgumentField,
  typed: string,
): Result<Value, string> => {
  if (typed.trim() === '') return isRequired ? err('Fill this in.') : ok(undefined);
  switch (entry.kind) {
    case 'text':
      if (typed.length < entry.least) return err(`Enter at least ${entry.least} characters.`);
      return typed.length > entry.most ? err(`Enter at most ${entry.most} characters.`) : ok(typed);
    case 'number':
      return readNumber(entry, typed.trim());
    case 'choice': {
      const chosen = entry.choices.find((each) => String(each) === typed);
      return chosen === undefined ? err('Choose one of the values.') : ok(chosen);
    }
    case 'list':
      return ok(
        typed
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== ''),
      );
    case 'json':
      return readJson(typed);
  }
};

const readNumber = (
  { isWhole, min, max }: Extract<Entry, { kind: 'number' }>,
  typed: string,
): Result<Value, string> => {
  const value = /^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/.test(typed)
    ? Number(typed)
    : Number.NaN;
  if (Number.isNaN(value)) return err('Enter a number, for example 12.');
  if (isWhole && !Number.isSafeInteger(value)) return err('Enter a whole number.');
  if (min !== undefined && value < min) return err(`Enter ${min} or more.`);
  return max !== undefined && value > max ? err(`Enter ${max} or less.`) : ok(value);
};

const readJson = (typed: string): Result<Value, string> => {
  try {
    return ok(JSON.parse(typed) as unknown);
  } catch {
    return err('This is not JSON. Texts need double quotes: {"name": "value"}.');
  }
};
