import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../../src/core/canonical-json.ts';
import { bodyDigest, utf8 } from '../../../../src/crypto/bytes.ts';
import { toolCallOf } from '../../../../src/client/mcp/tool-call.ts';
import { answerWith, readMessages } from '../../../../src/client/mcp/messages.ts';
import { readOutgoing } from '../../../../src/client/outgoing.ts';
import vectors from '../../../vectors/countersign-v1.json';

const URL = 'https://gw.example/mcp';

const read = async (message: unknown) =>
  await toolCallOf(
    await readOutgoing(URL, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof message === 'string' ? message : JSON.stringify(message),
    }),
  );

const toolsCall = (params: object) => ({ jsonrpc: '2.0', id: 7, method: 'tools/call', params });
const { intent } = vectors.mcp;

describe('toolCallOf', () => {
  it('signs the call as the vector does, in whatever order the arguments come', async () => {
    const call = await read(
      toolsCall({ name: 'translate', arguments: { to: 'fr', text: 'hello' }, _meta: { a: 1 } }),
    );
    expect(call?.outgoing).toMatchObject({
      method: intent.method,
      target: intent.target,
      contentType: intent.contentType,
      payloadDigest: intent.payloadDigest,
      resource: 'translate',
    });
    expect(call?.id).toBe(7);
  });

  it('signs the inner call of call_tool', async () => {
    const inner = { name: 'translate', arguments: { text: 'hello', to: 'fr' } };
    const call = await read(toolsCall({ name: 'call_tool', arguments: inner }));
    expect(call?.outgoing.payloadDigest).toBe(intent.payloadDigest);
  });

  it('signs the answers to a request for input, and its state', async () => {
    const given = { name: 'translate', arguments: {}, requestState: 's' };
    const inputResponses = { name: { action: 'accept' } };
    const payload = { ...given, inputResponses };
    const call = await read(toolsCall(payload));
    const digest = await bodyDigest(new Uint8Array(utf8(canonicalJson(payload))));
    expect(call?.outgoing.payloadDigest).toBe(digest);
  });

  it('counts missing arguments as an empty object', async () => {
    const without = await read(toolsCall({ name: 'whoami' }));
    const empty = await read(toolsCall({ name: 'whoami', arguments: {} }));
    expect(without?.outgoing.payloadDigest).toBe(empty?.outgoing.payloadDigest);
  });

  it.each([
    ['a list', { jsonrpc: '2.0', id: 1, method: 'tools/list' }],
    ['a notification', { jsonrpc: '2.0', method: 'tools/call', params: { name: 'x' } }],
    ['a batch', [toolsCall({ name: 'x' })]],
    ['a call without a name', toolsCall({ arguments: {} })],
    ['something else than JSON', 'tools/call'],
  ])('passes on %s', async (_, message) => {
    expect(await read(message)).toBeUndefined();
  });
});

describe('readMessages', () => {
  const response = { jsonrpc: '2.0', id: 7, result: { content: [] } };
  const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } };

  it('reads JSON, and events up to the response of this request', async () => {
    const other = { ...response, id: 8 };
    const events = answerWith({ earlier: [progress, other], response });
    expect(await readMessages(Response.json(response), 7, 1_000)).toEqual({
      earlier: [],
      response,
    });
    expect(await readMessages(events, 7, 1_000)).toEqual({ earlier: [progress, other], response });
  });

  it('returns nothing without a response to this request', async () => {
    expect(await readMessages(Response.json({ ...response, id: '7' }), 7, 1_000)).toBeUndefined();
    expect(await readMessages(new Response('<html>'), 7, 1_000)).toBeUndefined();
    const long = new Response(new Uint8Array(4 * 1024 * 1024 + 1));
    expect(await readMessages(long, 7, 1_000)).toBeUndefined();
  });
});
