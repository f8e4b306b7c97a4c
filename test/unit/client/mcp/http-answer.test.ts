import { describe, expect, it } from 'vitest';
import { httpAnswerOf } from '../../../../src/client/mcp/http-answer.ts';
import { decodeBase64, decodeUtf8 } from '../../../../src/crypto/bytes.ts';

const TERMS = { x402Version: 2, error: 'Payment required', accepts: [{ scheme: 'exact' }] };
const VERSION_1 = { x402Version: 1, error: 'Payment required', accepts: [{ scheme: 'exact' }] };
const text = (value: string) => ({ type: 'text', text: value });
const answerOf = (result: object): Response => httpAnswerOf({ jsonrpc: '2.0', id: 1, result });

const headerOf = (response: Response): unknown => {
  const bytes = decodeBase64(response.headers.get('payment-required') ?? '');
  return JSON.parse(decodeUtf8(bytes ?? new Uint8Array()) ?? 'null');
};

describe('httpAnswerOf', () => {
  it.each([
    ['the structured content of x402', { isError: true, structuredContent: TERMS, content: [] }],
    ['the _meta of Cloudflare agents', { isError: true, _meta: { 'x402/error': TERMS } }],
    ['the text of the first block', { isError: true, content: [text(JSON.stringify(TERMS))] }],
    ['org.x402/payment', { resultType: 'payment_required', paymentRequired: TERMS }],
  ])('turns terms in %s into a 402', (_, result) => {
    const response = answerOf(result);
    expect(response.status).toBe(402);
    expect(headerOf(response)).toEqual(TERMS);
  });

  it('turns terms of version 1 into the body of a 402', async () => {
    const response = answerOf({ isError: true, structuredContent: VERSION_1, content: [] });
    expect([response.status, await response.json()]).toEqual([402, VERSION_1]);
  });

  it('does not take the JSON of a tool that succeeded for terms', async () => {
    const body = JSON.stringify(TERMS);
    const response = answerOf({ structuredContent: TERMS, content: [text(body)] });
    expect([response.status, await response.text()]).toEqual([200, body]);
  });

  it('turns a refusal into its problem, with the pause before a repeat', async () => {
    const problem = { type: 'urn:countersign:problem:denied', status: 429, retry_after: 7 };
    const response = answerOf({ isError: true, structuredContent: problem, content: [] });
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
    expect(await response.json()).toEqual(problem);
  });

  it('returns the bytes and the status of a tool that failed with a problem of its own', async () => {
    const body = '{ "type": "about:blank", "status": 200 }';
    const words = { ...text('The tool failed.'), _meta: { 'countersign/words': true } };
    const response = answerOf({
      isError: true,
      structuredContent: JSON.parse(body) as object,
      content: [words, text(body)],
      _meta: { 'countersign/status': 422, 'countersign/receipt': 'a.b.c' },
    });
    expect([response.status, await response.text()]).toEqual([422, body]);
  });

  it('returns the bytes of the tool, not the words of the gateway', async () => {
    const words = { ...text('The tool failed.'), _meta: { 'countersign/words': true } };
    const response = answerOf({
      isError: true,
      content: [words, text('out of order')],
      _meta: { 'countersign/status': 503, 'countersign/receipt': 'a.b.c' },
    });
    expect([response.status, await response.text()]).toEqual([503, 'out of order']);
    expect(response.headers.get('agent-receipt')).toBe('a.b.c');
  });

  it('returns the bytes of an image and of a resource', async () => {
    const image = answerOf({ content: [{ type: 'image', data: 'AQID', mimeType: 'image/png' }] });
    const resource = answerOf({ content: [{ type: 'resource', resource: { blob: 'AQID' } }] });
    for (const response of [image, resource]) {
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]));
    }
  });

  it('returns a failure for an error of JSON-RPC, and for a status outside of HTTP', () => {
    const error = { code: -32602, message: 'Unknown tool: x' };
    expect(httpAnswerOf({ jsonrpc: '2.0', id: 1, error }).status).toBe(502);
    expect(answerOf({ content: [], _meta: { 'countersign/status': 99 } }).status).toBe(200);
  });

  it('ignores values that no header can hold', () => {
    const response = answerOf({ content: [], _meta: { 'countersign/receipt': 'a\nb' } });
    expect(response.headers.has('agent-receipt')).toBe(false);
  });
});
