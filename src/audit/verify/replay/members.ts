import { parseAmount } from '../../../protocol/amount.ts';
import type { Json } from '../../../protocol/entry.ts';

/* Members of entries are external input: a value without the expected form reads as absent. */

export const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** A decimal string of atomic units. */
export const amountOf = (value: Json | undefined): bigint | undefined =>
  typeof value === 'string' ? parseAmount(value) : undefined;

export const objectOf = (value: Json | undefined): { readonly [key: string]: Json } | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })
    : undefined;

/** Whether two values are the same JSON. */
export const isSameJson = (one: Json | undefined, other: Json | undefined): boolean => {
  if (one === other) return true;
  if (Array.isArray(one) || Array.isArray(other)) {
    return (
      Array.isArray(one) &&
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((each, at) => isSameJson(each, other[at]))
    );
  }
  const [left, right] = [objectOf(one), objectOf(other)];
  if (left === undefined || right === undefined) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isSameJson(left[key], right[key]))
  );
};
