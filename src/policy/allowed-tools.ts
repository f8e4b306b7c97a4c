import { allowsTool, type ToolsFields } from './rules/tools.ts';

/**
 * Returns the tools that every policy of a chain allows, in their order. Decides by the check that denies a call by the rule `tool`, so an
 * account never sees a tool that `evaluate` denies to it by this rule.
 */
export const allowedTools = <Tool extends { readonly id: string }>(
  policies: readonly ToolsFields[],
  tools: readonly Tool[],
): readonly Tool[] => tools.filter(({ id }) => policies.every((policy) => allowsTool(policy, id)));
