import canonicalize from 'canonicalize';
import type { Json } from '../protocol/entry.ts';
import type { Hex } from '../core/hex.ts';
import type { EgressReach } from '../protocol/egress-url.ts';
import { utf8 } from '../crypto/bytes.ts';
import { sha256Hex } from '../crypto/digest.ts';
import { parseTool } from './schema.ts';
import type { Tool } from './tool.ts';
import { isRelative } from './upstream.ts';

/** A tool's JSON document and the tool that it defines. */
export type ToolDocument = {
  readonly id: string;
  readonly document: Json;
  /** `stored`: put by an operator; it replaces a tool of the same id, or of the same method and path, in the file. */
  readonly source: 'file' | 'stored';
  readonly disabled: boolean;
  /** Undefined if the document is invalid for this release or this configuration. */
  readonly tool: Tool | undefined;
  /** Why the tool is not served although it is enabled. */
  readonly fault?: string;
};

/** A tool as management lists it. `hash`: SHA-256 over the JCS form of the document, its ETag. */
export type ListedTool = ToolDocument & { readonly hash: Hex };

export const toolHash = (document: Json): Hex => sha256Hex(utf8(canonicalize(document) ?? ''));

/** Returns a fault for an upstream that is a path if `UPSTREAM_URL` is not set. */
export const upstreamFault = (tool: Tool, upstreamUrl: string | undefined): string | undefined =>
  isRelative(tool) && upstreamUrl === undefined
    ? 'is a path, and UPSTREAM_URL is not set'
    : undefined;

/** The operator's settings for upstreams. */
export type UpstreamSettings = {
  /** Origin of upstreams that are paths. */
  readonly upstreamUrl: string | undefined;
  readonly reach: EgressReach;
};

/** Parses a stored document again: another release, or other variables, may have accepted it. */
export const readToolDocument = (
  id: string,
  text: string,
  { upstreamUrl, reach }: UpstreamSettings,
): ToolDocument => {
  const document = JSON.parse(text) as Json;
  const parsed = parseTool(document, reach);
  if (!parsed.ok || parsed.value.id !== id) {
    const [first] = parsed.ok ? [{ field: 'id', reason: 'is another' }] : parsed.error;
    const fault = `cannot be read by this release: ${first?.field ?? ''} ${first?.reason ?? ''}`;
    return { id, document, source: 'stored', disabled: false, tool: undefined, fault };
  }
  const tool = parsed.value;
  const fault = upstreamFault(tool, upstreamUrl);
  return {
    id,
    document,
    source: 'stored',
    disabled: tool.disabled,
    tool,
    ...(fault === undefined ? {} : { fault: `upstream ${fault}` }),
  };
};
