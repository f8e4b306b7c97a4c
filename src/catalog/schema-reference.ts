import { isObject } from '../core/json-object.ts';
import { MAX_SCHEMA_DEPTH } from './input-schema.ts';

/** Returns what a local reference names: a JSON pointer in a fragment (RFC 6901 §6), or an `$anchor` in `$defs`; undefined for nothing. */
export const targetOf = (root: unknown, reference: string): unknown => {
  const fragment = decoded(reference.slice(1));
  if (fragment === undefined) return undefined;
  if (fragment !== '' && !fragment.startsWith('/')) {
    return isObject(root) ? anchored(root['$defs'], fragment, 0) : undefined;
  }
  let value = root;
  for (const token of fragment.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
};

const anchored = (value: unknown, name: string, depth: number): unknown => {
  if (typeof value !== 'object' || value === null || depth > MAX_SCHEMA_DEPTH) return undefined;
  if (isObject(value) && value['$anchor'] === name) return value;
  for (const member of Object.values(value)) {
    const found = anchored(member, name, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
};

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};
