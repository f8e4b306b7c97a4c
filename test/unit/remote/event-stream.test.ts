import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openEventReader } from '../../../src/remote/event-stream.ts';

const eventsOf = (chunks: readonly Uint8Array[]): readonly string[] => {
  const reader = openEventReader();
  return chunks.flatMap((chunk) => reader.push(chunk));
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('openEventReader', () => {
  it.each([
    ['data: a\n\n', ['a']],
    ['data:a\r\n\r\n', ['a']],
    ['data: a\r\rdata: b\n\n', ['a', 'b']],
    ['data: a\ndata: b\n\n', ['a\nb']],
    [': keepalive\n\nid: 1\ndata\n\n', ['']],
    ['event: message\nid: 7\nretry: 5\ndata: {"a":1}\n\n', ['{"a":1}']],
    ['database: no\n\ndata: yes\n\n', ['yes']],
    ['data: never ended\n', []],
  ])('reads %j', (text, events) => {
    expect(eventsOf([bytes(text)])).toEqual(events);
  });

  it('reads the same events however the bytes are cut', () => {
    const text = 'data: ä€\r\n\r\n: c\r\ndata: one\ndata: two\n\nevent: x\rdata: \u{1f600}\r\r';
    const whole = eventsOf([bytes(text)]);
    expect(whole).toEqual(['ä€', 'one\ntwo', '\u{1f600}']);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes(text).length), { maxLength: 30 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), bytes(text).length];
        const chunks = at.slice(1).map((end, index) => bytes(text).slice(at[index], end));
        expect(eventsOf(chunks)).toEqual(whole);
      }),
    );
  });

  it('reads a long event that arrives byte by byte in linear time', () => {
    const reader = openEventReader();
    const one = bytes('x');
    reader.push(bytes('data: '));
    const from = performance.now();
    for (let at = 0; at < 500_000; at += 1) reader.push(one);
    const [event] = reader.push(bytes('\n\n'));
    expect(event).toHaveLength(500_000);
    expect(performance.now() - from).toBeLessThan(5_000);
  });
});
