/** A parsed JSON object. */
export type JsonObject = { readonly [member: string]: unknown };

/** True for an object; false for an array and for null. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
