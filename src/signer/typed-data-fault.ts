import type * as z from 'zod/mini';
import { err, type Result } from '../core/result.ts';
import { schemaFault } from '../protocol/fault.ts';

/** Why typed data is not read. `rule` names a kind that the signer never signs; `field` names a malformed member. */
export type TypedDataFault =
  | { readonly fault: 'unsupported'; readonly rule: UnsupportedRule; readonly hint: string }
  | { readonly fault: 'malformed'; readonly field: string; readonly hint: string };

export type UnsupportedRule = 'permit' | 'grant' | 'primary_type' | 'domain' | 'chain' | 'types';

export const unsupported = (rule: UnsupportedRule, hint: string): Result<never, TypedDataFault> =>
  err({ fault: 'unsupported', rule, hint });

export const malformed = (field: string, hint: string): Result<never, TypedDataFault> =>
  err({ fault: 'malformed', field, hint });

/** The first issue of a schema as a fault below `root`. */
export const faultIn = (
  root: string,
  issues: readonly z.core.$ZodIssue[],
): Result<never, TypedDataFault> => {
  const { field, hint } = schemaFault(root, issues, {});
  return malformed(field, hint);
};
