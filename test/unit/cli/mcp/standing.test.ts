import { describe, expect, it } from 'vitest';
import { standingAt, stoppedText } from '../../../../src/cli/mcp/standing.ts';
import { createAgent } from '../../../../src/client/index.ts';
import { countingSigner, entry, offer } from '../../client/server.ts';

const ORIGIN = 'https://mcp.example';
const LIMITS = { stopped: { rule: 'revoked', account: 'team' } };

/** A connection to a server that announces `extensions`, and sells a tool `spending` of its own to every caller without an intent. */
const remoteOf = async (extensions: object) => {
  const { signer, count } = countingSigner();
  const server = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    if (request.method !== 'POST') return new Response(null, { status: 405 });
    const { id, method, params } = (await request.json()) as {
      id?: number;
      method: string;
      params: { protocolVersion?: string };
    };
    const answer = (result: object) => Response.json({ jsonrpc: '2.0', id, result });
    if (id === undefined) return new Response(null, { status: 202 });
    if (method === 'initialize') {
      const { protocolVersion } = params;
      const serverInfo = { name: 'seller', version: '1' };
      return answer({ protocolVersion, serverInfo, capabilities: { tools: {}, extensions } });
    }
    if (method !== 'tools/call') {
      return Response.json({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } });
    }
    if (!request.headers.has('agent-intent')) return offer([entry()], {});
    return answer({ content: [{ type: 'text', text: '{}' }], structuredContent: LIMITS });
  };
  const agent = createAgent({
    ...{ account: signer, spend: { perCall: '$0.05', total: '$1' }, retries: 0 },
    fetch: server as typeof fetch,
  });
  const client = await agent.mcp(`${ORIGIN}/mcp`);
  return { remote: { origin: ORIGIN, client }, agent, count };
};

const intentOf = (audience: string) => ({
  'countersign/intent': { audience, chains: ['eip155:84532'] },
});

describe('the limits of an agent at a server', () => {
  it.each([
    ['has no extension', {}],
    ['announces another audience', intentOf('https://gw.example')],
  ])('are not bought from one that %s', async (_, extensions) => {
    const { remote, agent, count } = await remoteOf(extensions);
    expect(await standingAt(remote)).toBeUndefined();
    expect(await stoppedText(remote)).toBeUndefined();
    expect([count(), agent.spending().signed]).toEqual([0, 0n]);
  });

  it('are read from one that announces itself, with an intent that moves nothing', async () => {
    const { remote, agent, count } = await remoteOf(intentOf(ORIGIN));
    expect(await standingAt(remote)).toEqual(LIMITS);
    expect(await stoppedText(remote)).toContain('rule revoked of team');
    expect([count(), agent.spending().signed]).toEqual([1, 0n]);
  });
});
