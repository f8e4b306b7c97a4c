import type { Tool } from '../../../src/catalog/tool.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { observe } from './fixture.ts';
import { intentFor, intentHeader, search, signIntent, translate, vectorConfig } from './signing.ts';

/** A tool with a variable price. */
export const metered: Tool = {
  ...translate,
  id: 'metered',
  path: '/tools/metered',
  settlement: 'credit',
  pricing: 'upto',
};
/** A tool that accepts bound payments only. */
export const strict: Tool = {
  ...translate,
  id: 'strict',
  path: '/tools/strict',
  requireBinding: 'intent',
};
export const config = vectorConfig([translate, search, metered, strict]);

export const requestOf = (
  path: string,
  headers: Record<string, string> = {},
  origin = 'https://gw.example',
) =>
  new Request(`${origin}${path}`, {
    method: path.startsWith('/tools/search') ? 'GET' : 'POST',
    headers,
  });

/** The same request with an `Agent-Intent`. */
export const signed = async (path: string, fields: Partial<AgentIntent> = {}, origin?: string) => {
  const seen = await observe(requestOf(path, {}, origin), config);
  if (!seen.ok) throw new Error(seen.error.reason);
  const intent = intentFor(seen.value.received, fields);
  return requestOf(path, intentHeader(await signIntent(intent)), origin);
};

export const bodyOf = (response: Response) => response.json<Record<string, unknown>>();
