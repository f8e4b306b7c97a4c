import * as z from 'zod/mini';
import { toolPatterns } from '../../protocol/wire-fields.ts';
import type { Rule } from '../rule.ts';

export type ToolsFields = {
  /** Tool ids: exact, `prefix.*` for all below a prefix, `*` for all. An empty list allows none. */
  readonly tools?: readonly string[];
};

/** Denies tools that are not on the list. */
export const tools = {
  shape: { tools: z.exactOptional(toolPatterns) },
  denials: {
    tool: {
      subject: 'The account may not call this tool.',
      hint: 'Call a tool that this account may use, or ask its owner to allow this one.',
    },
  },
  check: (policy, _, { tool }) => (allowsTool(policy, tool) ? undefined : { rule: 'tool' }),
} satisfies Rule<ToolsFields, 'tool'>;

/** True if `outer` matches every tool id that the pattern `inner` matches. An id is a pattern that matches only itself. */
const contains = (outer: string, inner: string): boolean =>
  outer === '*' ||
  outer === inner ||
  // Keep the dot: `pay.*` must match neither `payroll` nor `pay` itself.
  (outer.endsWith('.*') && inner.startsWith(outer.slice(0, -1)));

/** True if one of `patterns` (ids, `prefix.*`, `*`) matches the tool. An empty list matches none. */
export const matchesTool = (patterns: readonly string[], id: string): boolean =>
  patterns.some((pattern) => contains(pattern, id));

/** True if a policy lists the tool, or lists no tools at all. */
export const allowsTool = ({ tools: patterns }: ToolsFields, id: string): boolean =>
  patterns === undefined || matchesTool(patterns, id);

/** True if every pattern of a child is inside a pattern of its parent: a grant is never wider than its parent. */
export const coversPatterns = (parent: readonly string[], child: readonly string[]): boolean =>
  child.every((pattern) => matchesTool(parent, pattern));
