import { isObject } from '../core/json-object.ts';
import { shortText } from '../core/plain-text.ts';

const MAX_DESCRIPTION = 1_024;
const MAX_TITLE = 128;
const TYPES = new Set(['array', 'boolean', 'integer', 'null', 'number', 'object', 'string']);
const NUMBERS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const;
const COUNTS = [
  ...['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'],
  ...['minContains', 'maxContains'],
] as const;
/** Formats that the validator checks in linear time. */
const FORMATS = new Set(['date', 'time', 'date-time', 'ipv4', 'uuid']);

export const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

/** Copies the keywords that contain no schema. OpenAPI 3.0 and draft 4 spell some of them differently. */
export const plainKeywords = (
  schema: Readonly<Record<string, unknown>>,
  at: string,
  set: (keyword: string, value: unknown) => void,
  refuse: (field: string, reason: string) => unknown,
): void => {
  const isNullable = schema['nullable'] === true;
  const { type, enum: allowed } = schema;
  if (type !== undefined) {
    const types = [...(Array.isArray(type) ? (type as unknown[]) : [type])];
    if (!types.every((each) => typeof each === 'string' && TYPES.has(each)) || types.length === 0) {
      refuse(`${at}/type`, 'is not a type of JSON Schema');
    } else {
      if (isNullable && !types.includes('null')) types.push('null');
      set('type', types.length === 1 ? types[0] : types);
    }
  }
  if (allowed !== undefined) {
    if (!Array.isArray(allowed)) refuse(`${at}/enum`, 'must be an array');
    else
      set(
        'enum',
        isNullable && !allowed.includes(null) ? [...(allowed as unknown[]), null] : allowed,
      );
  }
  if (Object.hasOwn(schema, 'const')) set('const', schema['const']);
  const { required, dependentRequired } = schema;
  // OpenAPI 2 and draft 3 write a boolean.
  if (required !== undefined && typeof required !== 'boolean') {
    if (isTexts(required)) set('required', required);
    else refuse(`${at}/required`, 'must be an array of names');
  }
  if (dependentRequired !== undefined) {
    if (isObject(dependentRequired) && Object.values(dependentRequired).every(isTexts)) {
      set('dependentRequired', dependentRequired);
    } else refuse(`${at}/dependentRequired`, 'must be an object of names');
  }
  for (const keyword of NUMBERS) {
    const value = schema[keyword];
    if (value === undefined || value === false) continue;
    const isLimit = value === true && keyword.startsWith('exclusive');
    const number = isLimit ? schema[keyword === 'exclusiveMinimum' ? 'minimum' : 'maximum'] : value;
    if (typeof number === 'number' && Number.isFinite(number)) set(keyword, number);
    else refuse(`${at}/${keyword}`, 'must be a number');
  }
  for (const keyword of COUNTS) {
    const value = schema[keyword];
    if (value === undefined) continue;
    if (Number.isSafeInteger(value) && Number(value) >= 0) set(keyword, value);
    else refuse(`${at}/${keyword}`, 'must be a whole number');
  }
  const { multipleOf, format, title, description, default: standard } = schema;
  if (multipleOf !== undefined) {
    if (typeof multipleOf === 'number' && multipleOf > 0) set('multipleOf', multipleOf);
    else refuse(`${at}/multipleOf`, 'must be a number above zero');
  }
  if (typeof format === 'string' && FORMATS.has(format)) set('format', format);
  if (typeof title === 'string') set('title', shortText(title, MAX_TITLE));
  if (typeof description === 'string') set('description', shortText(description, MAX_DESCRIPTION));
  if (standard !== undefined) set('default', standard);
  if (schema['deprecated'] === true) set('deprecated', true);
  if (schema['readOnly'] === true) set('readOnly', true);
};
