import { type JsonObject, isObject } from '../core/json-object.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { sha256Hex, utf8 } from '../crypto/bytes.ts';
import { withoutUndefined } from '../core/without-undefined.ts';

/** A tool as a remote MCP server defines it. Everything in it comes from a stranger. */
export type ToolDefinition = {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema: JsonObject;
  readonly annotations?: JsonObject;
};

/** A tool with the largest schema that the catalogue takes, and much text. */
const MAX_DEFINITION = 128 * 1024;

const NAME = /^[A-Za-z0-9_./:-]{1,128}$/;

/** Reads the parts of a listed tool that the gateway sells. Drops the others, `outputSchema` among them. @returns why it cannot be sold */
export const readDefinition = (listed: unknown): ToolDefinition | string => {
  if (!isObject(listed)) return 'is no object';
  const { name, description, inputSchema, annotations } = listed;
  if (typeof name !== 'string' || !NAME.test(name)) {
    return 'has a name that is not 1 to 128 of A-Z a-z 0-9 _ . / : -';
  }
  if (!isObject(inputSchema)) return 'has no input schema';
  if (JSON.stringify(listed).length > MAX_DEFINITION) {
    return `is longer than ${MAX_DEFINITION} characters`;
  }
  if (description !== undefined && typeof description !== 'string') {
    return 'has a description that is no text';
  }
  if (annotations !== undefined && !isObject(annotations)) {
    return 'has annotations that are no object';
  }
  return { name, inputSchema, ...withoutUndefined({ description, annotations }) };
};

/**
 * Returns the pin of a definition: SHA-256 over the JCS form (RFC 8785) of its name, description, input schema and annotations, 64 hex digits.
 *
 * Attack: a server shows a harmless tool to the operator and another one to agents later ("rug pull").
 *
 * @returns undefined for a definition without a JCS form, e.g. with a lone surrogate: it cannot be pinned
 */
export const toolPin = ({
  name,
  description,
  inputSchema,
  annotations,
}: ToolDefinition): string | undefined => {
  const pinned = { name, inputSchema, ...withoutUndefined({ description, annotations }) };
  try {
    return sha256Hex(utf8(canonicalJson(pinned))).slice(2);
  } catch {
    return undefined;
  }
};
