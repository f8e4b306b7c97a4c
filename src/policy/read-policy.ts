import { parsePolicy, type Policy } from './policy.ts';

/**
 * A policy for display; undefined if the gateway shows none, or if a newer release wrote it in a form that this one cannot read. Not part
 * of the code that all pages of the dashboard share, because the first load would then contain every rule.
 */
export const readPolicy = (document: unknown): Policy | undefined => {
  const read = document === undefined ? undefined : parsePolicy(document);
  return read?.ok === true ? read.value : undefined;
};
