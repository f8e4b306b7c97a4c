import type { Tool as ListedTool } from '@modelcontextprotocol/server';
import * as z from 'zod/mini';
import { err, ok, type Result } from '../core/result.ts';
import { faultsOf } from '../protocol/fault.ts';
import type { Reason } from '../protocol/problem/reason.ts';

/** Above this number of visible tools a list names the tools below instead: models choose badly among more. */
export const MAX_LISTED = 40;
export const MAX_FOUND = 20;
const DEFAULT_FOUND = 10;
const MAX_QUERY = 400;

const READ_ONLY = { readOnlyHint: true, openWorldHint: false };
const name = {
  type: 'string',
  description: 'The name of a tool, exactly as search_tools gives it.',
};

/**
 * Tools that the gateway adds to those that it sells; for a large catalogue, a list has only these. The gateway cannot sell a tool with one
 * of these names.
 */
export const META_TOOLS: readonly ListedTool[] = [
  {
    name: 'search_tools',
    description:
      'Searches the tools that you may call, by words for what you need. Returns names, descriptions and prices, best first. Free.',
    inputSchema: {
      type: 'object',
      properties: {
        query: { type: 'string', description: 'Words for what you need.', maxLength: MAX_QUERY },
        limit: { type: 'integer', minimum: 1, maximum: MAX_FOUND, default: DEFAULT_FOUND },
      },
      required: ['query'],
    },
    annotations: READ_ONLY,
  },
  {
    name: 'describe_tool',
    description:
      'Returns one tool with its price, the schema of its arguments, and how many calls your limits still allow. Free.',
    inputSchema: { type: 'object', properties: { name }, required: ['name'] },
    annotations: READ_ONLY,
  },
  {
    name: 'call_tool',
    description:
      'Calls a tool by its name, at its price. Read its arguments with describe_tool first. A failed call charges nothing.',
    inputSchema: {
      type: 'object',
      properties: {
        name,
        arguments: { type: 'object', description: 'As the schema of the tool says.' },
      },
      required: ['name'],
    },
  },
  {
    name: 'spending',
    description: 'Returns what your spending limits and your credit leave, before a call. Free.',
    inputSchema: { type: 'object', properties: {} },
    annotations: READ_ONLY,
  },
];

const NAMES: ReadonlySet<string> = new Set(META_TOOLS.map((each) => each.name));

export const isMetaTool = (called: string): boolean => NAMES.has(called);

const toolName = z.string('must be the name of a tool');
const object = 'must be an object with the members that the schema of the tool lists';

const reading =
  <T>(schema: z.ZodMiniType<T>) =>
  (given: unknown): Result<T, Reason> => {
    const parsed = schema.safeParse(given);
    if (parsed.success) return ok(parsed.data);
    const [first] = faultsOf(parsed.error.issues);
    const field = first?.field === undefined || first.field === '' ? '' : `.${first.field}`;
    return err({
      reason: 'malformed_request',
      field: `arguments${field}`,
      hint: first?.reason ?? object,
    });
  };

export const readSearchArguments = reading(
  z.strictObject(
    {
      query: z
        .string('must be a text')
        .check(z.maxLength(MAX_QUERY, `must have at most ${MAX_QUERY} characters`)),
      limit: z._default(
        z
          .int(`must be an integer from 1 to ${MAX_FOUND}`)
          .check(
            z.minimum(1, `must be an integer from 1 to ${MAX_FOUND}`),
            z.maximum(MAX_FOUND, `must be an integer from 1 to ${MAX_FOUND}`),
          ),
        DEFAULT_FOUND,
      ),
    },
    object,
  ),
);

export const readDescribeArguments = reading(z.strictObject({ name: toolName }, object));

export const readCallArguments = reading(
  z.strictObject(
    {
      name: toolName,
      arguments: z.optional(z.record(z.string(), z.unknown(), 'must be an object')),
    },
    object,
  ),
);

export const readSpendingArguments = reading(z.strictObject({}, 'must be empty'));
