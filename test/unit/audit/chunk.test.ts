import { describe, expect, test, vi } from 'vitest';
import {
  type AuditMessage,
  encodeChunk,
  MAX_CHUNK_BYTES,
  MAX_CHUNK_ENTRIES,
  MAX_CHUNK_TEXT,
  splitRun,
} from '../../../src/audit/chunk.ts';
import { MAX_ENTRY_TEXT } from '../../../src/audit/entry-text.ts';
import { decodeChunk, readMessage } from '../../../src/audit/read-chunk.ts';
import { hexOf } from '../../../src/crypto/bytes.ts';
import { accepted, ALICE, history, paidCalls } from './history.ts';

const gzip = async (text: string | Uint8Array<ArrayBuffer>): Promise<Uint8Array> => {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};

const entriesOf = async (messages: readonly AuditMessage[]) => {
  const decoded = await Promise.all(messages.map(({ body }) => decodeChunk(body)));
  return decoded.flatMap((chunk) => (chunk.ok ? chunk.value : []));
};

describe('a chunk', () => {
  test('decodes to the encoded entries', async () => {
    const entries = paidCalls(ALICE, 5);
    expect(await decodeChunk(encodeChunk(entries))).toEqual({ ok: true, value: entries });
  });

  test('carries text in any script', async () => {
    const entries = history(ALICE, [{ ...accepted(1), evidence: { word: 'schön 語 🙂 \u0000' } }]);
    const decoded = await decodeChunk(encodeChunk(entries));
    expect(decoded).toEqual({ ok: true, value: entries });
  });

  test('stops decompressing a gzip bomb at the cap', async () => {
    const bomb = await gzip('0'.repeat(20 * MAX_CHUNK_TEXT));
    expect(bomb.byteLength).toBeLessThan(MAX_CHUNK_BYTES);
    let unpacked = 0;
    const Native = DecompressionStream;
    vi.stubGlobal('DecompressionStream', function counted(this: unknown, format: 'gzip') {
      const { readable, writable } = new Native(format);
      const counter = new TransformStream<Uint8Array, Uint8Array>({
        transform(part, controller) {
          unpacked += part.byteLength;
          controller.enqueue(part);
        },
      });
      return { readable: readable.pipeThrough(counter), writable };
    });
    const decoded = await decodeChunk(bomb);
    vi.unstubAllGlobals();
    expect(decoded).toEqual({ ok: false, error: { kind: 'too_large', what: 'text' } });
    expect(unpacked).toBeGreaterThan(MAX_CHUNK_TEXT);
    expect(unpacked).toBeLessThan(3 * MAX_CHUNK_TEXT);
  });

  test.each([
    ['no gzip', () => new TextEncoder().encode('{"v":1}'), { kind: 'not_gzip' }],
    ['nothing', () => new Uint8Array(), { kind: 'not_gzip' }],
    ['half a gzip', async () => (await gzip('x'.repeat(500))).slice(0, 20), { kind: 'not_gzip' }],
    ['a flipped bit', async () => flipped(encodeChunk(paidCalls(ALICE, 2))), { kind: 'not_gzip' }],
    ['bytes that are no text', () => gzip(Uint8Array.of(0xff, 0xfe)), { kind: 'not_utf8' }],
    ['no entries', () => gzip('{}\n'), { kind: 'broken' }],
    ['empty text', () => gzip(''), { kind: 'broken' }],
    [
      'lines without end',
      () => gzip('\n'.repeat(MAX_CHUNK_ENTRIES + 2)),
      { kind: 'too_large', what: 'entries' },
    ],
    [
      'too many bytes',
      () => new Uint8Array(MAX_CHUNK_BYTES + 1),
      { kind: 'too_large', what: 'body' },
    ],
  ])('rejects %s', async (_, bytes, error) => {
    expect(await decodeChunk(await bytes())).toMatchObject({ ok: false, error });
  });
});

describe('a run', () => {
  test('that is short fits one message', () => {
    const entries = paidCalls(ALICE, 1);
    expect(splitRun(entries)).toMatchObject([{ v: 1, account: ALICE, first: 1, last: 3 }]);
    expect(splitRun([])).toEqual([]);
  });

  test('that is long is split into messages without gap or overlap', async () => {
    const entries = paidCalls(ALICE, 700);
    const messages = splitRun(entries);
    expect(messages.length).toBeGreaterThan(1);
    let next = 1;
    for (const { first, last, body } of messages) {
      expect(first).toBe(next);
      expect(body.byteLength).toBeLessThanOrEqual(MAX_CHUNK_BYTES);
      next = last + 1;
    }
    expect(next).toBe(2_101);
    expect(await entriesOf(messages)).toEqual(entries);
  });

  test('that does not compress is split until it fits', async () => {
    const noise = () => hexOf(crypto.getRandomValues(new Uint8Array(15_000)));
    const entries = history(
      ALICE,
      Array.from({ length: 12 }, (_, index) => ({
        ...accepted(index),
        evidence: { signature: noise() },
      })),
    );
    const messages = splitRun(entries);
    expect(Math.max(...messages.map(({ body }) => body.byteLength))).toBeLessThanOrEqual(
      MAX_CHUNK_BYTES,
    );
    expect(await entriesOf(messages)).toEqual(entries);
  });

  test('throws for an entry that no message can hold', () => {
    const entries = history(ALICE, [
      { ...accepted(1), evidence: { word: 'x'.repeat(MAX_ENTRY_TEXT) } },
    ]);
    expect(() => splitRun(entries)).toThrow(RangeError);
  });
});

describe('a message', () => {
  const message: AuditMessage = {
    v: 1,
    account: ALICE,
    first: 1,
    last: 3,
    body: new Uint8Array(8),
  };

  test('is read as sent', () => {
    expect(readMessage(message)).toEqual(message);
  });

  test.each([
    ['nothing', undefined],
    ['another version', { ...message, v: 2 }],
    ['an unknown member', { ...message, admin: true }],
    ['an upper-case account', { ...message, account: ALICE.toUpperCase() }],
    ['seqs from zero', { ...message, first: 0 }],
    ['seqs backwards', { ...message, first: 4 }],
    ['half a seq', { ...message, last: 3.5 }],
    ['a body as array', { ...message, body: [1, 2, 3] }],
  ])('with %s is rejected', (_, value) => {
    expect(readMessage(value)).toBeUndefined();
  });
});

const flipped = (bytes: Uint8Array): Uint8Array => bytes.with(40, (bytes[40] as number) ^ 1);
