import { gatewayTool } from '../catalog/gateway-tools.ts';
import type { Tool } from '../catalog/tool.ts';
import { MCP_PATH } from './context.ts';

/**
 * Requests over MCP that only read, in the form of tools that an intent can name (docs/mcp.md). They execute nothing, so an intent for one
 * binds no arguments and can be sent again until it expires: a client signs once in five minutes.
 */
const reading = (id: string, method: string, description: string): Tool =>
  gatewayTool({ id, method, path: MCP_PATH, description });

/** `tools/list`. */
export const listingTool = reading(
  'countersign.tools',
  'tools/list',
  'The tools that the signing account may call.',
);

/** `tools/call` of `search_tools`. */
export const searchTool = reading(
  'countersign.tools.search',
  'tools/call',
  'Search among the tools that the signing account may call.',
);

/** `tools/call` of `describe_tool`. */
export const describeTool = reading(
  'countersign.tools.describe',
  'tools/call',
  'One tool that the signing account may call.',
);

/** `tools/call` of `spending`. */
export const spendingTool = reading(
  'countersign.spending',
  'tools/call',
  'What the limits of the signing account leave.',
);
