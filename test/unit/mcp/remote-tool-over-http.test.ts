import { describe, expect, it } from 'vitest';
import { sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import { call } from '../../../src/gateway/call.ts';
import { intentHeader, paying } from '../gateway/signing.ts';
import { answer } from '../remote/remote-server.ts';
import { intentOf, ORIGIN } from './fixture.ts';
import { sell, text, useQuietGateway } from './remote-tool-support.ts';

useQuietGateway();

describe('the same tool over HTTP', () => {
  const post = async (gateway: Parameters<typeof call>[0], body: string) => {
    const fields = {
      method: 'POST',
      target: '/tools/web.search',
      contentType: 'application/json',
      payloadDigest: sha256Hex(utf8(body)),
    };
    const intent = await intentOf('web.search', {}, { ...paying(20_000n), ...fields });
    return await call(
      gateway,
      new Request(`${ORIGIN}/tools/web.search`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...intentHeader(intent) },
        body,
      }),
    );
  };

  it('takes the arguments as a JSON body and answers with the result', async () => {
    const { gateway, calls } = await sell((request) => answer(request, { content: text('x') }));
    const response = await post(gateway, '{"q":"rivers"}');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ content: text('x') });
    expect(calls()[0]?.message.params?.['arguments']).toEqual({ q: 'rivers' });
  });

  it('is refused without its secret, before its account is asked and its server hears anything', async () => {
    const { gateway, seen, asked } = await sell((request) => answer(request, { content: [] }), {
      secrets: [{ in: 'basic', secret: 'gone' }],
    });
    const kept: Promise<unknown>[] = [];
    const waitUntil = (promise: Promise<unknown>) => void kept.push(promise);
    const response = await post({ ...gateway, waitUntil }, '{"q":"rivers"}');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      type: 'urn:countersign:problem:secret-unavailable',
    });
    await Promise.all(kept);
    expect([seen, asked]).toEqual([[], []]);
  });

  it.each(['[1]', 'no json', '{"a":1,"a":2}', '{"a":9007199254740993}'])(
    'answers 400 for the body %s, and charges nothing',
    async (body) => {
      const { gateway, calls, asked } = await sell((request) => answer(request, { content: [] }));
      const response = await post(gateway, body);
      expect(response.status).toBe(400);
      expect(calls()).toEqual([]);
      expect(asked[1]).toMatchObject({ outcome: { success: false } });
    },
  );
});
