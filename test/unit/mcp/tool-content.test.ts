import { describe, expect, it } from 'vitest';
import { encodeBase64, utf8 } from '../../../src/crypto/bytes.ts';
import { toolContent } from '../../../src/mcp/tool-content.ts';

const URI = 'mcp://tool/a/answer';
const show = (type: string | null, body: string | Uint8Array<ArrayBuffer>) =>
  toolContent(type, typeof body === 'string' ? new Uint8Array(utf8(body)) : body, URI);
const BYTES = new Uint8Array([0xff, 0xd8, 0x00]);

describe('the answer of a tool', () => {
  it('that is JSON is text, and an object also structured content', () => {
    expect(show('application/json; charset=utf-8', '{"a":1}')).toEqual({
      content: [{ type: 'text', text: '{"a":1}' }],
      structuredContent: { a: 1 },
    });
    expect(show('application/geo+json', '{"a":1}').structuredContent).toEqual({ a: 1 });
    for (const text of ['[1]', '"a"', 'null', '{', '{"a":1'.padEnd(9, '0')]) {
      expect(show('application/json', text)).toEqual({ content: [{ type: 'text', text }] });
    }
  });

  it('that nests deeply stays text', () => {
    const deep = `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    expect(show('application/json', deep)).toEqual({ content: [{ type: 'text', text: deep }] });
  });

  it('that is text, an event stream or untyped text is text', () => {
    for (const type of [
      'text/plain',
      'text/html; charset=utf-8',
      'text/event-stream',
      'application/xml',
      'image/svg+xml',
      null,
    ]) {
      expect(show(type, 'a').content, String(type)).toEqual([{ type: 'text', text: 'a' }]);
    }
  });

  it('that is an image or audio is shown as such', () => {
    const data = encodeBase64(BYTES);
    expect(show('image/jpeg', BYTES).content).toEqual([
      { type: 'image', data, mimeType: 'image/jpeg' },
    ]);
    expect(show('Audio/WAV', BYTES).content).toEqual([
      { type: 'audio', data, mimeType: 'audio/wav' },
    ]);
  });

  it('that is anything else is an embedded resource', () => {
    const blob = encodeBase64(BYTES);
    for (const [type, mimeType] of [
      ['application/pdf', 'application/pdf'],
      ['text/plain', 'text/plain'],
      [null, 'application/octet-stream'],
    ] as const) {
      expect(show(type, BYTES).content).toEqual([
        { type: 'resource', resource: { uri: URI, mimeType, blob } },
      ]);
    }
  });

  it('that is empty is no content', () => {
    expect(show('application/json', '')).toEqual({ content: [] });
  });
});
