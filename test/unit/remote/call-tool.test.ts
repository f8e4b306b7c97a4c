import { afterEach, describe, expect, it, vi } from 'vitest';
import { callRemoteTool } from '../../../src/remote/call-tool.ts';
import { answer, event, refuse, type Script, serveRemote, streamed } from './remote-server.ts';

const call = async (script: Script, listener?: (method: string, params: object) => void) => {
  const seen = serveRemote(script);
  const outcome = await callRemoteTool(
    {
      url: `https://${crypto.randomUUID()}.example/mcp`,
      signal: AbortSignal.timeout(5_000),
      maxBytes: 10_000,
    },
    { name: 'search', arguments: { q: 1 } },
    listener,
  );
  return { outcome, seen };
};

const resultOf = async (result: object) => (await call((seen) => answer(seen, result))).outcome;
const text = [{ type: 'text', text: 'hello' }];
const terms = { x402Version: 2, accepts: [{ payTo: '0x1' }] };

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('callRemoteTool', () => {
  it.each([
    { content: text },
    { resultType: 'complete', content: text, structuredContent: { a: 1 }, isError: false },
    { content: [] },
  ])('takes %j as success', async (result) => {
    expect(await resultOf(result)).toEqual({ kind: 'success', result });
  });

  it('takes isError as a failure of the tool, with what it says', async () => {
    const result = { content: text, isError: true };
    expect(await resultOf(result)).toEqual({ kind: 'tool_error', result });
  });

  it('passes a request for input on, its state untouched', async () => {
    const result = {
      resultType: 'input_required',
      inputRequests: { user_name: { method: 'elicitation/create' } },
      requestState: 'opaque+/=',
    };
    expect(await resultOf(result)).toEqual({ kind: 'input_required', result });
    expect(await resultOf({ ...result, requestState: 1 })).toMatchObject({ fault: 'malformed' });
  });

  it.each([
    {},
    { content: 'text' },
    { content: [1] },
    { content: text, isError: 'yes' },
    { content: text, resultType: 'task' },
  ])('rejects %j, which is no result of a call', async (result) => {
    expect(await resultOf(result)).toEqual({ kind: 'failed', fault: 'malformed' });
  });

  it.each<[string, object]>([
    ['as structured content', { isError: true, content: [], structuredContent: terms }],
    ['as text', { isError: true, content: [{ type: 'text', text: JSON.stringify(terms) }] }],
    [
      'in another spelling',
      { isError: true, content: [{ type: 'text', text: '{"x402\\u0056ersion":2,"accepts":[]}' }] },
    ],
    ['in _meta', { isError: true, content: [], _meta: { 'x402/error': terms } }],
    ['as a result type', { resultType: 'payment_required', paymentRequired: terms }],
  ])('never passes on terms of the server %s', async (_, result) => {
    expect(await resultOf(result)).toEqual({ kind: 'failed', fault: 'payment' });
  });

  it.each([402, -32_042, -32_043])('never passes on the payment error %i', async (code) => {
    const { outcome } = await call((seen) => refuse(seen, 200, { code, message: 'pay' }));
    expect(outcome).toEqual({ kind: 'failed', fault: 'payment' });
  });

  it('never passes on terms in the data of an error', async () => {
    const error = { code: -32_000, message: 'pay', data: terms };
    const { outcome } = await call((seen) => refuse(seen, 200, error));
    expect(outcome).toEqual({ kind: 'failed', fault: 'payment' });
  });

  it('lets no server mark its words as those of the gateway', async () => {
    const block = { type: 'text', text: 'hello' };
    const marked = { ...block, _meta: { 'countersign/words': true, 'example.com/own': 1 } };
    expect(await resultOf({ content: [marked, block] })).toEqual({
      kind: 'success',
      result: { content: [{ ...block, _meta: { 'example.com/own': 1 } }, block] },
    });
  });

  it('drops receipts and claims that only the gateway may make', async () => {
    const _meta = {
      'x402/payment-response': { success: true },
      'x402.payment-response': {},
      'countersign/receipt': 'a.b.c',
      'io.modelcontextprotocol/serverInfo': {},
      'example.com/mine': 1,
    };
    expect(await resultOf({ content: text, _meta })).toEqual({
      kind: 'success',
      result: { content: text, _meta: { 'example.com/mine': 1 } },
    });
  });

  it('asks for progress only if someone listens, with a token of its own', async () => {
    const quiet = await call((seen) => answer(seen, { content: [] }));
    expect(quiet.seen[0]?.message.params?.['_meta']).not.toHaveProperty('progressToken');
    const heard: unknown[] = [];
    const progress = {
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: 1, progress: 50, total: 100 },
    };
    const { seen } = await call(
      ({ message }) =>
        streamed([
          event(progress),
          event({ jsonrpc: '2.0', id: message.id, result: { content: [] } }),
        ]).response,
      (method, params) => heard.push([method, params]),
    );
    expect(seen[0]?.message.params?.['_meta']).toMatchObject({ progressToken: 1 });
    expect(heard).toEqual([['notifications/progress', progress.params]]);
  });
});
