import { parsePolicy, type Policy } from './policy.ts';

/**
 * A policy as a page shows it; undefined if the gateway shows none, or a newer release wrote it in a way that this one cannot read. Not among
 * what all pages of the dashboard share: the first load would have every rule.
 */
export const readPolicy = (document: unknown): Policy | undefined => {
  const read = document === undefined ? undefined : parsePolicy(document);
  return read?.ok === true ? read.value : undefined;
};
