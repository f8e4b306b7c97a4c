import { afterEach, beforeEach, vi } from 'vitest';
import type { Tool } from '../../../src/catalog/tool.ts';
import { canonicalJson } from '../../../src/core/canonical-json.ts';
import { sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { toolPin } from '../../../src/remote/definition.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { toolOf } from '../gateway/fixture.ts';
import { scriptedGateway } from '../gateway/scripted.ts';
import { paying, vectorConfig } from '../gateway/signing.ts';
import { answer, type Script, serveRemote } from '../remote/remote-server.ts';
import { callOf, intentOf, wire } from './fixture.ts';

/** Uses the vectors' clock, and silences the gateway's log. */
export const useQuietGateway = (): void => {
  useVectorsClock();
  beforeEach(() => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
};

const definition = {
  name: 'Web-Search',
  description: 'Searches.',
  inputSchema: { type: 'object' },
};

/** The arguments of the tool's calls. */
export const given = { q: 'rivers', n: 1 };

/** A result's text content. */
export const text = (value: string) => [{ type: 'text', text: value }];

let servers = 0;

/** A gateway that sells one tool of a remote server that no other test uses. */
export const sell = async (script: Script, changes: Partial<Tool> = {}) => {
  servers += 1;
  const origin = `https://remote${servers}.example`;
  const tool = toolOf({
    id: 'web.search',
    method: 'POST',
    path: '/tools/web.search',
    price: 20_000n,
    upstream: {
      mcp: `${origin}/mcp`,
      tool: 'Web-Search',
      pin: toolPin(definition) ?? '',
    },
    ...changes,
  });
  const seen = serveRemote((request, init) =>
    request.message.method === 'tools/list'
      ? answer(request, { tools: [definition] })
      : script(request, init),
  );
  const scripted = await scriptedGateway(vectorConfig([tool]));
  return {
    ...scripted,
    origin,
    calls: () => seen.filter(({ message }) => message.method === 'tools/call'),
    seen,
  };
};

/** The parameters of a call of that tool, with a payment of its price. */
export const paid = async (
  members: Readonly<Record<string, unknown>> = {},
  fields: Partial<AgentIntent> = paying(20_000n),
) => {
  const payload = canonicalJson({ ...members, arguments: given, name: 'web.search' });
  const intent = await intentOf('web.search', given, {
    ...fields,
    payloadDigest: sha256Hex(utf8(payload)),
  });
  return { ...callOf(given, { 'countersign/intent': wire(intent) }, 'web.search'), ...members };
};
