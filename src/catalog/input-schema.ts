import * as z from 'zod/mini';

/** A JSON Schema, draft 2020-12 unless `$schema` names an older one. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** The schema of a tool that declares none: it takes every argument. */
export const OPEN_SCHEMA: JsonSchema = { type: 'object', properties: {} };

/** The longest input schema as JSON, in characters. */
export const MAX_SCHEMA = 65_536;
/** How deep an input schema may nest as JSON, and in subschemas after its references are resolved. */
export const MAX_SCHEMA_DEPTH = 32;
/** The levels of a tool as JSON: its schema, and the tool around it. */
export const TOOL_DEPTH = MAX_SCHEMA_DEPTH + 1;
/** The levels of `tools.json`. */
export const TOOLS_DEPTH = TOOL_DEPTH + 2;

/** Clients mirror an argument with this keyword into a header, and a server would have to compare both (MCP 2026-07-28). */
const MIRRORED = 'x-mcp-header';

/** True if a value nests at most `levels` deep and no object in it has a member that the gateway cannot serve. */
const isPlain = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  for (const [key, member] of Object.entries(value)) {
    if (key === MIRRORED || key === '__proto__' || !isPlain(member, levels - 1)) return false;
  }
  return true;
};

/**
 * The checks of every isolate that reads a tool. `resolveSchema` finds all other faults; its code loads with the first MCP call, and when
 * an operator puts a tool.
 */
export const inputSchema = z
  .custom<JsonSchema>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'must be a JSON Schema, an object',
  )
  .check(
    z.refine(({ type }) => type === 'object', 'must have the type "object"'),
    z.refine(
      (schema) => isPlain(schema, MAX_SCHEMA_DEPTH),
      `must nest at most ${MAX_SCHEMA_DEPTH} levels, without __proto__ and ${MIRRORED}`,
    ),
    z.refine(
      (schema) => !isPlain(schema, MAX_SCHEMA_DEPTH) || JSON.stringify(schema).length <= MAX_SCHEMA,
      `must be at most ${MAX_SCHEMA} characters as JSON`,
    ),
  );
