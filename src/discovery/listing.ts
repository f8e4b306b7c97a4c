import { type Catalogue, servedTools } from '../catalog/catalogue.ts';
import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config/config.ts';
import type { Seconds } from '../core/clock.ts';
import { publicTool, type PublicTool } from '../gateway/public-tool.ts';
import type { HealthReport } from './health-reports.ts';
import { type ToolHealth, UNKNOWN_HEALTH } from '../audit/tool-health.ts';

/** A tool that anyone may find. */
export type ListedTool = PublicTool & {
  /** Absolute URL; for a tool with many paths, their common prefix. */
  readonly url: string;
  readonly health: ToolHealth;
  /** The tool itself. Documents must not show it, because it contains the upstream. */
  readonly source: Tool;
};

/** The tools that a gateway sells at one time: the source of every document that describes it. */
export type Listing = {
  /** The configured origin that clients sign for, never the Host header. */
  readonly audience: string;
  readonly isPaused: boolean;
  readonly tools: readonly ListedTool[];
  readonly payees: readonly Payee[];
  /** When the health of the tools was read; undefined if it is not known. */
  readonly healthAt: Seconds | undefined;
  readonly at: Seconds;
};

/** A network on which a payment can be made, and its payee. */
export type Payee = Pick<
  PublicTool['requirements'][number],
  'network' | 'asset' | 'payTo' | 'extra'
>;

export const listingOf = (
  config: Config,
  catalogue: Catalogue,
  report: HealthReport | undefined,
  { audience, at }: Pick<Listing, 'audience' | 'at'>,
): Listing => {
  const tools = servedTools(catalogue).map((tool) => ({
    ...publicTool(config, tool),
    url: audience + tool.path.replace(/\*$/, ''),
    health: report?.tools.get(tool.id) ?? UNKNOWN_HEALTH,
    source: tool,
  }));
  return {
    audience,
    isPaused: config.paused,
    tools,
    // Every priced tool takes the same networks.
    payees: tools.find(({ requirements }) => requirements.length > 0)?.requirements ?? [],
    healthAt: report?.readAt,
    at,
  };
};

/** Paths of the gateway's documents for programs, by name. */
export const DOCUMENTS = {
  openapi: '/openapi.json',
  llms: '/llms.txt',
  x402: '/.well-known/x402',
  mcp: '/mcp',
  signing: '/.well-known/agent-intent',
  keys: '/.well-known/jwks.json',
} as const;
