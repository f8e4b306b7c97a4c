import type { DenialRule } from '../../../src/protocol/account/denial.ts';
import type { Rule } from '../../../src/policy/rule.ts';

const isRule = (value: unknown): value is Rule<unknown> =>
  typeof value === 'object' && value !== null && 'shape' in value && 'denials' in value;

/** Every rule that a file of `src/policy/rules/` exports, including rules that `policy.ts` does not list. */
export const EVERY_RULE = Object.values(
  import.meta.glob(['../../../src/policy/rules/*.ts'], { eager: true }),
).flatMap((module) => Object.values(module as object).filter(isRule));

export const denialsOf = (rules: readonly { readonly denials: object }[]): readonly DenialRule[] =>
  rules.flatMap(({ denials }) => Object.keys(denials) as readonly DenialRule[]);

export const EVERY_DENIAL = denialsOf(EVERY_RULE);
