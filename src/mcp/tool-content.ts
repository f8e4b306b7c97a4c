import { type JsonObject, isObject } from '../core/json-object.ts';
import type { ContentBlock } from '@modelcontextprotocol/server';
import { decodeUtf8, encodeBase64 } from '../crypto/bytes.ts';
import { nestsWithin } from '../protocol/strict-json.ts';

/** The body of a tool's HTTP answer, as MCP shows it. */
export type ToolContent = {
  readonly content: ContentBlock[];
  readonly structuredContent?: JsonObject;
};

/** Deeper objects stay text: clients walk `structuredContent` recursively (CWE-674). */
const MAX_DEPTH = 64;

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json$/;
const TEXT_TYPE =
  /^(?:text\/.*|application\/(?:xml|yaml|x-yaml|toml|javascript|x-ndjson|jsonl|graphql|sql)|.*\+(?:xml|yaml))$/;

/**
 * Shows a body as content: JSON and text as text, a JSON object also as `structuredContent`, images and audio as such, everything else as
 * an embedded resource. The bytes of the one block are exactly the body's, so the digest in the receipt is also that of the block.
 *
 * @param uri names an embedded resource.
 */
export const toolContent = (
  contentType: string | null,
  body: Uint8Array<ArrayBuffer>,
  uri: string,
): ToolContent => {
  const mimeType = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (body.byteLength === 0) return { content: [] };
  const [kind] = mimeType.split('/', 1);
  if ((kind === 'image' || kind === 'audio') && !mimeType.endsWith('+xml')) {
    return { content: [{ type: kind, data: encodeBase64(body), mimeType }] };
  }
  const isJson = JSON_TYPE.test(mimeType);
  if (isJson || mimeType === '' || TEXT_TYPE.test(mimeType)) {
    const text = decodeUtf8(body);
    if (text !== undefined) {
      const structured = isJson ? objectOf(text) : undefined;
      return {
        content: [{ type: 'text', text }],
        ...(structured === undefined ? {} : { structuredContent: structured }),
      };
    }
  }
  const resource = {
    uri,
    mimeType: mimeType === '' ? 'application/octet-stream' : mimeType,
    blob: encodeBase64(body),
  };
  return { content: [{ type: 'resource', resource }] };
};

const objectOf = (text: string): JsonObject | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && nestsWithin(value, MAX_DEPTH) ? value : undefined;
  } catch {
    return undefined;
  }
};
