import canonicalize from 'canonicalize';
import type { Json } from '../protocol/entry.ts';
import type { Hex } from '../core/hex.ts';
import type { EgressReach } from '../protocol/egress-url.ts';
import { utf8 } from '../crypto/bytes.ts';
import { sha256Hex } from '../crypto/digest.ts';
import { parseTool } from './schema.ts';
import type { Tool } from './tool.ts';
import { isRelative } from './upstream.ts';

/** A tool as it was written, and what this release makes of it. */
export type WrittenTool = {
  readonly id: string;
  readonly document: Json;
  /** `stored`: put at run time; it wins over one of the same id or the same place in the file. */
  readonly source: 'file' | 'stored';
  readonly disabled: boolean;
  /** Absent where a neighbouring release has stored what this one cannot read. */
  readonly tool: Tool | undefined;
  /** Why it is not served, although nobody has disabled it. */
  readonly fault?: string;
};

/** `hash`: SHA-256 of the document's canonical JSON, its ETag. */
export type StoredTool = WrittenTool & { readonly hash: Hex };

export const toolHash = (document: Json): Hex => sha256Hex(utf8(canonicalize(document) ?? ''));

/** `path` is not served where `UPSTREAM_URL` is not set: nobody would know where a call goes. */
export const upstreamFault = (tool: Tool, upstreamUrl: string | undefined): string | undefined =>
  isRelative(tool) && upstreamUrl === undefined
    ? 'is a path, and UPSTREAM_URL is not set'
    : undefined;

/** What the operator has set about upstreams. */
export type UpstreamSettings = {
  /** Origin of the upstreams that are paths. */
  readonly upstreamUrl: string | undefined;
  readonly reach: EgressReach;
};

/** Reads what was put at run time. It was checked then, but by another release, or beside other variables. */
export const readStored = (
  id: string,
  text: string,
  { upstreamUrl, reach }: UpstreamSettings,
): WrittenTool => {
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
