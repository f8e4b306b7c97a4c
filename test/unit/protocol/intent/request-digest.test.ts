import { describe, expect, it } from 'vitest';
import { requestDigest } from '../../../../src/protocol/intent/binding.ts';
import { AUDIENCE } from '../../gateway/fixture.ts';

const EMPTY = '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('requestDigest', () => {
  const request = {
    audience: AUDIENCE,
    tool: 'echo',
    method: 'POST',
    target: '/tools/echo/a',
    contentType: 'text/plain',
    payloadDigest: EMPTY,
  } as const;

  it.each([
    ['ASCII', {}],
    ['long', { target: `/${'a'.repeat(70_000)}` }],
    ['Unicode', { contentType: 'text/é; \ud83c\udf89', tool: '\ud83c', method: '\udf89\0' }],
  ])('is the SHA-256 of the length-prefixed fields: %s', async (_, changes) => {
    const observed = { ...request, ...changes };
    const part = (text: string) => {
      const { length } = new TextEncoder().encode(text);
      const size = [length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255];
      return [...size, ...new TextEncoder().encode(text)];
    };
    const bytes = new Uint8Array([
      ...new TextEncoder().encode('countersign-request/1\n'),
      ...Object.values(observed).flatMap(part),
    ]);
    const digest = await crypto.subtle.digest('SHA-256', bytes);
    const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0'));
    expect(await requestDigest(observed)).toBe(`0x${hex.join('')}`);
  });

  it('differs with every field, and with the boundaries of fields', async () => {
    const variants = [
      request,
      { ...request, audience: 'https://second.example' },
      { ...request, tool: 'other' },
      { ...request, method: 'PUT' },
      { ...request, target: '/tools/echo/b' },
      { ...request, contentType: '' },
      { ...request, payloadDigest: `0x${'00'.repeat(32)}` as const },
      { ...request, tool: 'echoP', method: 'OST' },
      { ...request, target: '/tools/echo/atext', contentType: '/plain' },
    ];
    const digests = await Promise.all(variants.map(requestDigest));
    expect(new Set(digests).size).toBe(variants.length);
  });
});
