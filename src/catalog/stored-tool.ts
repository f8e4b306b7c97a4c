import canonicalize from 'canonicalize';
import type { Hex } from '../core/hex.ts';
import { sha256Hex, utf8 } from '../crypto/bytes.ts';
import type { Json } from '../protocol/entry.ts';

/**
 * Returns the form in which the gateway's account stores and logs a tool: its input schema is one text, in canonical JSON (RFC 8785). Entries
 * of the log contain no fractions and few levels, and a schema needs both.
 */
export const storedTool = (document: Json): Json => {
  const schema = schemaOf(document);
  return typeof schema === 'object' && schema !== null
    ? { ...(document as object), inputSchema: canonicalize(schema) ?? '' }
    : document;
};

const schemaOf = (document: Json): Json | undefined =>
  typeof document === 'object' && document !== null && !Array.isArray(document)
    ? (document as { readonly [member: string]: Json })['inputSchema']
    : undefined;

/** The ETag of a tool: SHA-256 over the JCS form of its stored form. */
export const toolHash = (document: Json): Hex => sha256Hex(utf8(toolText(document)));

/** The stored form of a tool in canonical JSON. */
export const toolText = (document: Json): string => canonicalize(storedTool(document)) ?? '';
