import { isObject } from '../../core/json-object.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type Listing, listTools } from '../../remote/list-tools.ts';

/**
 * Reads the answer of an MCP server to `tools/list` that a person has copied: the whole JSON-RPC answer, its result, or the array of tools.
 *
 * @returns why the text is not such an answer, as the end of a sentence
 */
export const readPastedList = async (text: string): Promise<Result<Listing, string>> => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err('is not JSON');
  }
  const answer = isObject(json) && isObject(json['result']) ? json['result'] : json;
  const result = Array.isArray(answer) ? { tools: answer } : answer;
  if (!isObject(result) || !Array.isArray(result['tools'])) {
    return err('is not an answer to tools/list: it has no array `tools`');
  }
  if (typeof result['nextCursor'] === 'string' && result['nextCursor'] !== '') {
    return err('is one page of several: join the `tools` of all pages');
  }
  const listing = await listTools({
    request: async () => ({ kind: 'result', result, headers: new Headers() }),
  });
  return listing.ok ? ok(listing.value) : err(`cannot be sold: ${listing.error.kind}`);
};
