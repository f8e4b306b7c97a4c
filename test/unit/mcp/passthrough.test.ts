import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { scriptedGateway } from '../gateway/scripted.ts';
import { vectorConfig } from '../gateway/signing.ts';
import { answer, refuse, type Script, serveRemote } from '../remote/remote-server.ts';
import { send, sendModern } from './fixture.ts';

useVectorsClock();
beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

let servers = 0;

const open = async (script: Script) => {
  servers += 1;
  const seen = serveRemote(script);
  const passthrough = `https://passed${servers}.example/mcp`;
  const scripted = await scriptedGateway({ ...vectorConfig(), passthrough });
  return { ...scripted, seen };
};

describe('MCP_PASSTHROUGH', () => {
  it('passes a prompt through, without proofs and without an account', async () => {
    const { gateway, asked, seen } = await open((request) =>
      answer(request, { messages: [], _meta: { 'x402/error': {}, own: 1 } }),
    );
    const params = {
      name: 'greet',
      arguments: { a: 'b' },
      _meta: { 'x402/payment': { secret: 1 }, 'countersign/intent': 'signed' },
    };
    const { result } = await send(gateway, 'prompts/get', params, { 'Agent-Intent': 'signed' });
    expect(result).toMatchObject({ messages: [], _meta: { own: 1 } });
    expect(result?._meta).not.toHaveProperty('x402/error');
    expect(asked).toEqual([]);
    expect(seen).toHaveLength(1);
    expect(seen[0]?.message.params).toMatchObject({ name: 'greet', arguments: { a: 'b' } });
    expect(JSON.stringify([seen[0]?.message, ...(seen[0]?.headers ?? [])])).not.toMatch(
      /secret|signed/,
    );
  });

  it('never passes a tool call through, whatever its name', async () => {
    const { gateway, seen } = await open((request) => answer(request, { content: [] }));
    const { error } = await send(gateway, 'tools/call', { name: 'theirs', arguments: {} });
    expect(error).toMatchObject({ code: -32_602, message: 'Unknown tool: theirs' });
    expect(seen).toEqual([]);
  });

  it('keeps lists private, whatever the server says about caches', async () => {
    const { gateway } = await open((request) =>
      answer(request, { prompts: [], ttlMs: 1e9, cacheScope: 'public' }),
    );
    const { result } = await sendModern(gateway, 'prompts/list');
    expect(result).toMatchObject({ prompts: [], ttlMs: 5_000, cacheScope: 'private' });
  });

  it('passes errors on, and answers for a server that gives no usable answer', async () => {
    const error = { code: -32_602, message: 'Resource not found', data: { uri: 'x://y' } };
    const known = await open((request) => refuse(request, 200, error));
    const read = async ({ gateway }: typeof known) =>
      (await send(gateway, 'resources/read', { uri: 'x://y' })).error;
    expect(await read(known)).toMatchObject(error);
    const broken = await open(() => Response.redirect('https://elsewhere.example/', 302));
    expect(await read(broken)).toMatchObject({ code: -32_603 });
  });

  it('limits strangers, whose calls cost the other server one each', async () => {
    const { gateway, seen } = await open((request) => answer(request, { prompts: [] }));
    const limited = { ...gateway, rateLimit: async () => false };
    const { error } = await send(limited, 'prompts/list');
    expect(error?.code).toBe(-32_000);
    expect(seen).toEqual([]);
  });

  it('is off by default: a gateway has tools only', async () => {
    const { gateway } = await scriptedGateway(vectorConfig());
    expect((await send(gateway, 'prompts/list')).error?.code).toBe(-32_601);
    const { result } = await send(gateway, 'initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    });
    expect(result?.['capabilities']).not.toHaveProperty('prompts');
  });
});
