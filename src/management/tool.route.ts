import * as z from 'zod/mini';
import { commandOutcome, documentOf, hash, pageOf, pageQuery } from './fields.ts';
import { TOOL_DEPTH } from '../catalog/input-schema.ts';
import { OPERATOR, type RouteTable, TOOL_BODY } from './route.ts';

/** The most that a call costs, and how the charge follows usage (docs/tools.md, How do I charge by the token?). */
export type VariablePrice = {
  readonly max: string;
  readonly min?: unknown;
  readonly exact?: unknown;
  readonly meter?: { readonly [member: string]: unknown } | undefined;
};

/** A tool as in `tools.json` (docs/tools.md). A disabled tool answers like an unknown one. */
export type ToolDocument = {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly description: string;
  readonly mimeType?: string | undefined;
  /** `"$0.02"` or `"20000u"`, or the most that a tool may charge, also by a meter. */
  readonly price: string | VariablePrice;
  /** With settlement `card`: the currency of the price. */
  readonly asset?: 'iso4217:USD' | undefined;
  readonly settlement: 'deferred' | 'upfront' | 'credit' | 'free' | 'card';
  /** A URL or path, a tool of a remote MCP server, or a Worker bound to the gateway. */
  readonly upstream:
    | string
    | { readonly mcp: string; readonly tool: string; readonly pin: string }
    | { readonly service: string; readonly path: string };
  readonly timeoutSeconds?: number | undefined;
  /** How long an answer may stream. */
  readonly streamSeconds?: number | undefined;
  readonly maxBodyBytes?: number | undefined;
  readonly requestHeaders?: readonly string[] | undefined;
  readonly assertion?: boolean | undefined;
  readonly onSilence?: 'release' | 'keep' | undefined;
  readonly requireBinding?: 'none' | 'intent' | undefined;
  /** Where requests to the upstream carry secrets of the vault: docs/vault.md. */
  readonly secrets?:
    | readonly { readonly secret: string; readonly [member: string]: unknown }[]
    | undefined;
  /** How a tool with settlement `card` charges. */
  readonly card?: { readonly [member: string]: unknown } | undefined;
  readonly bazaar?: boolean | undefined;
  readonly params?:
    | Readonly<Record<string, { readonly pointer: string } | { readonly query: string }>>
    | undefined;
  /** JSON Schema of the arguments of MCP calls. */
  readonly inputSchema?: { readonly [keyword: string]: unknown } | undefined;
  /** The place of each MCP argument in the HTTP request. */
  readonly arguments?:
    | Readonly<
        Record<
          string,
          | { readonly path: string }
          | { readonly query: string }
          | { readonly header: string }
          | { readonly pointer: string }
        >
      >
    | undefined;
  readonly disabled?: boolean | undefined;
};

/** The catalogue parses the tool: whether it fits depends on the other tools. */
export const toolBody = documentOf<ToolDocument>('must be a tool, a JSON object as in tools.json');

export const toolDocument = z.custom<ToolDocument>();

/** `fault`: why a tool that is not disabled is not served. */
const toolsPage = pageOf(
  z.strictObject({
    id: z.string(),
    etag: hash,
    /** From `tools.json`, or put at run time. */
    source: z.enum(['file', 'stored']),
    disabled: z.boolean(),
    fault: z.exactOptional(z.string()),
    tool: toolDocument,
  }),
);

export const TOOL_ROUTES = {
  'tools.list': {
    path: 'GET /admin/tools',
    roles: OPERATOR,
    query: pageQuery,
    summary: 'Lists the catalogue, disabled tools included',
    answer: toolsPage,
  },
  'tools.get': {
    path: 'GET /admin/tools/:tool',
    roles: OPERATOR,
    summary: 'Shows one tool',
    answer: toolDocument,
    etag: true,
  },
  'tools.put': {
    path: 'PUT /admin/tools/:tool',
    roles: OPERATOR,
    body: toolBody,
    maxBody: TOOL_BODY,
    maxDepth: TOOL_DEPTH,
    precondition: 'etag',
    dryRun: true,
    summary: 'Adds or changes a tool; every isolate serves it within 5 s',
    answer: commandOutcome,
  },
  'tools.delete': {
    path: 'DELETE /admin/tools/:tool',
    roles: OPERATOR,
    precondition: 'etag',
    summary: 'Removes a tool within 5 s',
    answer: commandOutcome,
  },
} as const satisfies RouteTable;
