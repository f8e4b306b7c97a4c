import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openEventSplitter } from '../../../src/protocol/event-stream.ts';

type Event = { readonly type: string; readonly data: string };

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (all: readonly Uint8Array[]): string =>
  new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(
    Uint8Array.from(all.flatMap((piece) => [...piece])),
  );

/** The events of a stream, and where each ends in all bytes. */
const split = (chunks: readonly Uint8Array[]) => {
  const events: (Event & { readonly end: number })[] = [];
  let pieces: Uint8Array[] = [];
  let before = 0;
  const splitter = openEventSplitter({
    data: (piece) => void pieces.push(piece.slice()),
    event: (type, end) => {
      events.push({ type, data: text(pieces), end: before + end });
      pieces = [];
    },
  });
  for (const chunk of chunks) {
    splitter.write(chunk);
    before += chunk.length;
  }
  return events;
};

const eventsOf = (chunks: readonly Uint8Array[]): readonly Event[] =>
  split(chunks).map(({ type, data }) => ({ type, data }));

/** Reads the whole text as the standard says, step by step (WHATWG HTML §9.2.6), and keeps it in memory. */
const standard = (whole: Uint8Array): readonly Event[] => {
  const events: Event[] = [];
  let [data, type] = ['', ''];
  const lines = new TextDecoder().decode(whole).split(/\r\n|\n|\r/);
  lines.pop();
  for (const line of lines) {
    if (line === '') {
      if (data !== '') events.push({ type, data: data.slice(0, -1) });
      [data, type] = ['', ''];
      continue;
    }
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') data += `${value}\n`;
    if (name === 'event') type = value;
  }
  return events;
};

const cutAt = (whole: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] => {
  const at = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
  return at.slice(1).map((end, index) => whole.slice(at[index], end));
};

const STREAM = [
  '\ufeffevent: message_start\ndata: {"a":"ä€"}\n\n',
  ': comment\r\nid: 7\r\nretry: 5\r\ndata: one\r\ndata: two\r\n\r\n',
  'event: x\rdata: \u{1f600}\r\r',
  'event\ndata\n\n',
  'data:\n\ndata\ndata\n\ndata:  two spaces\n\n',
  'database: no\ndat: no\nevents: no\n\n',
  'event: first\nevent: last\ndata: [DONE]\n\n',
  'event: no data\n\n',
  'data: never ended\n',
].join('');

describe('an event stream', () => {
  it('is read by the standard', () => {
    expect(eventsOf([bytes(STREAM)])).toEqual([
      { type: 'message_start', data: '{"a":"ä€"}' },
      { type: '', data: 'one\ntwo' },
      { type: 'x', data: '\u{1f600}' },
      { type: '', data: '' },
      { type: '', data: '' },
      { type: '', data: '\n' },
      { type: '', data: ' two spaces' },
      { type: 'last', data: '[DONE]' },
    ]);
    expect(eventsOf([bytes(STREAM)])).toEqual(standard(bytes(STREAM)));
  });

  it('has the same events at every cut, and byte by byte', () => {
    const whole = bytes(STREAM);
    const events = split([whole]);
    for (let at = 0; at <= whole.length; at += 1) {
      for (let to = at; to <= Math.min(at + 3, whole.length); to += 1) {
        expect(eventsOf(cutAt(whole, [at, to]))).toEqual(
          events.map(({ type, data }) => ({ type, data })),
        );
      }
    }
    expect(eventsOf([...whole].map((byte) => Uint8Array.of(byte)))).toEqual(standard(whole));
  });

  it('ends each event after its empty line', () => {
    const whole = bytes('data: a\n\ndata: b\r\n\r\ndata: c\r\r: end\n');
    expect(split([whole]).map(({ end }) => end)).toEqual([9, 20, 29]);
  });

  it.each([
    ['no BOM', ''],
    ['a BOM', '\ufeff'],
    ['two BOMs', '\ufeff\ufeff'],
  ])('may begin with %s', (_name, start) => {
    const whole = bytes(`${start}data: a\n\ndata: b\n\n`);
    for (let at = 0; at <= whole.length; at += 1) {
      expect(eventsOf(cutAt(whole, [at]))).toEqual(standard(whole));
    }
  });

  it.each([[[0xef]], [[0xef, 0xbb]], [[0xef, 0xbb, 0xef, 0xbb, 0xbf]], [[0xbb, 0xbf]]])(
    'may begin with bytes that only resemble a BOM: %j',
    (start) => {
      const whole = Uint8Array.from([...start, ...bytes('data: a\n\ndata: b\n\n')]);
      expect(standard(whole)).toEqual([{ type: '', data: 'b' }]);
      for (let at = 0; at <= whole.length; at += 1) {
        expect(eventsOf(cutAt(whole, [at]))).toEqual(standard(whole));
      }
    },
  );

  // Names are read byte by byte, so those of the test are ASCII.
  const line = fc
    .oneof(
      fc.constantFrom('', '', 'data', 'data:', 'event', ':', 'data: x', 'event: y', 'dataevent: z'),
      fc.tuple(fc.constantFrom('data: ', 'data:', ': '), fc.string({ unit: 'binary' })),
      fc.tuple(fc.constantFrom('event: ', 'event:', 'id: '), fc.string({ unit: 'grapheme-ascii' })),
    )
    .map((parts) => (typeof parts === 'string' ? parts : parts.join('')));
  const stream = fc
    .array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 40 })
    .map((lines) => bytes(lines.map((parts) => parts.join('')).join('')));
  const cuts = fc.array(fc.nat(200), { maxLength: 12 });

  it('is that of a slow reader of the whole text, however it is cut', () => {
    fc.assert(
      fc.property(stream, cuts, (whole, at) => {
        const chunks = cutAt(
          whole,
          at.filter((cut) => cut <= whole.length),
        );
        expect(eventsOf(chunks)).toEqual(standard(whole));
      }),
      { numRuns: 1_000 },
    );
  });

  it('has the events that eventsource-parser reads', () => {
    fc.assert(
      fc.property(stream, (whole) => {
        const events: Event[] = [];
        const parser = createParser({
          onEvent: ({ event = '', data }) => void events.push({ type: event, data }),
        });
        // Without an end, the parser waits for the second half of a CRLF.
        parser.feed(`${new TextDecoder().decode(whole)}\n`);
        expect(eventsOf([whole, bytes('\n')])).toEqual(events);
      }),
      { numRuns: 1_000 },
    );
  });

  it('holds nothing of an event of 100 MB', () => {
    let [length, largest, count] = [0, 0, 0];
    const splitter = openEventSplitter({
      data: (piece) => {
        length += piece.length;
        largest = Math.max(largest, piece.length);
      },
      event: () => void (count += 1),
    });
    const chunk = new Uint8Array(1_000_000).fill(120);
    splitter.write(bytes('data: '));
    for (let at = 0; at < 100; at += 1) splitter.write(chunk);
    splitter.write(bytes('\n\n'));
    expect([length, largest, count]).toEqual([100_000_000, 1_000_000, 1]);
  });

  it('cuts a name that no term can have', () => {
    const [event] = split([bytes(`event: ${'n'.repeat(5_000)}\ndata: x\n\n`)]);
    expect(event?.type).toBe('n'.repeat(65));
  });
});
