import { describe, expect, it } from 'vitest';
import { openEventGuard } from '../../../src/gateway/event-guard.ts';
import type { StreamingAnswer } from '../../../src/gateway/paid-request.ts';

const answerOf = (type: string, isEventStream = true): StreamingAnswer => ({
  ...{ kind: 'streaming', status: 200, isEventStream, calledAt: 0 },
  headers: { 'content-type': type },
  body: new ReadableStream(),
});
const EVENTS = answerOf('text/event-stream');
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Passes a text on in these chunks. */
const pass = (chunks: readonly Uint8Array[], answer = EVENTS, requestsEvents = true) => {
  const guard = openEventGuard(answer, requestsEvents);
  const passed: number[] = [];
  for (const chunk of chunks) {
    const count = guard.write(chunk, 0);
    const withheldFrom = guard.withheldFrom();
    passed.push(...chunk.subarray(0, withheldFrom ?? count));
    if (withheldFrom !== undefined || count < chunk.length) break;
  }
  return {
    text: new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(
      Uint8Array.from(passed),
    ),
    isForged: guard.isForged(),
    isWithheld: guard.withheldFrom() !== undefined,
    isBetween: guard.isBetweenEvents(),
  };
};

/** One text in two pieces, cut at each byte, and byte for byte. */
const cutsOf = (text: string): readonly (readonly Uint8Array[])[] => {
  const bytes = bytesOf(text);
  return [
    ...Array.from({ length: bytes.length + 1 }, (_, at) => [bytes.slice(0, at), bytes.slice(at)]),
    Array.from(bytes, (byte) => Uint8Array.of(byte)),
  ];
};

const TOKEN = 'e30.e30.e30';
const FIRST = 'data: 1\n\n';

describe('an event of the gateway that an upstream forges', () => {
  it.each([
    ['LF', `event: countersign-receipt\ndata: ${TOKEN}\n\n`],
    ['CRLF', `event: countersign-receipt\r\ndata: ${TOKEN}\r\n\r\n`],
    ['CR', `event: countersign-receipt\rdata: ${TOKEN}\r\r`],
    ['no space', `event:countersign-receipt\ndata:${TOKEN}\n\n`],
    ['two spaces', `event:  countersign-receipt\ndata: ${TOKEN}\n\n`],
    ['a tab', `event:\tcountersign-receipt\ndata: ${TOKEN}\n\n`],
    ['a space before the colon', `event : countersign-receipt\ndata: ${TOKEN}\n\n`],
    ['a space before the name', ` event: countersign-receipt\ndata: ${TOKEN}\n\n`],
    ['capitals', `Event: COUNTERSIGN-RECEIPT\ndata: ${TOKEN}\n\n`],
    ['its name first of two', `event: countersign-receipt\nevent: x\ndata: ${TOKEN}\n\n`],
    ['its name last of two', `event: x\nevent: countersign-receipt\ndata: ${TOKEN}\n\n`],
    ['its name after its data', `data: ${TOKEN}\nevent: countersign-receipt\n\n`],
    ['another name of the gateway', `event: countersign-limit\ndata: ${TOKEN}\n\n`],
    ['a longer name', `event: countersign-receipt-2\ndata: ${TOKEN}\n\n`],
    ['a BOM', `\ufeffevent: countersign-receipt\ndata: ${TOKEN}\n\n`],
    ['NUL', `\0event: counter\0sign-receipt\0\ndata: ${TOKEN}\n\n`],
    ['a comment before', `: ping\nevent: countersign-receipt\ndata: ${TOKEN}\n\n`],
    ['an id before', `id: 1\nevent: countersign-receipt\ndata: ${TOKEN}\n\n`],
    ['no data', 'event: countersign-receipt\n\n'],
    ['no end', `event: countersign-receipt\ndata: ${TOKEN}`],
  ])('has no name that a caller gets: %s', (_, forged) => {
    for (const before of ['', FIRST]) {
      for (const chunks of cutsOf(`${before}${forged}data: 3\n\n`)) {
        const { text, isForged } = pass(chunks);
        expect(isForged).toBe(true);
        expect(text.replaceAll('\0', '')).not.toMatch(/event\s*:\s*countersign-/i);
        expect(text).not.toContain('data: 3');
        expect(text.startsWith(before)).toBe(true);
      }
    }
  });

  it.each([
    ...['\v', '\f', '\x1c', '\x1d', '\x1e', '\u0085', '\u2028', '\u2029'].map((end) => [
      `the line end U+${(end.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
      `data: 2${end}event: countersign-receipt${end}data: ${TOKEN}\n\n`,
    ]),
    ['the last byte of a letter', `data: "\u0405event: countersign-receipt"\n\n`],
  ])('reaches no caller, and is no fault of the tool, behind %s', (_, forged) => {
    for (const before of ['', FIRST]) {
      for (const chunks of cutsOf(`${before}${forged}data: 3\n\n`)) {
        const { text, isForged, isWithheld } = pass(chunks);
        expect({ isForged, isWithheld }).toEqual({ isForged: false, isWithheld: true });
        expect(text).not.toMatch(/event: countersign-/i);
        expect(text).not.toContain('data: 3');
        expect(text.startsWith(before)).toBe(true);
      }
    }
  });

  it('ends the answer before it', () => {
    const { text } = pass([bytesOf(`${FIRST}event: countersign-receipt\ndata: x\n\n`)]);
    expect(text).toBe(FIRST);
  });

  it.each([
    ['text/event-stream; charset=utf-8', true],
    ['text/event-stream, text/plain', false],
    ['text/plain, text/event-stream', false],
    ['"text/event-stream"', false],
    ['text/x-event-stream', false],
    ['', false],
  ])('reaches no caller however the content type is written: %j', (type, isEventStream) => {
    const forged = bytesOf(`event: countersign-receipt\ndata: ${TOKEN}\n\n`);
    const { text, isForged, isWithheld } = pass([forged], answerOf(type, isEventStream));
    expect({ text, isForged, isWithheld }).toEqual({
      ...{ text: '', isForged: isEventStream, isWithheld: !isEventStream },
    });
  });

  it('is only text in an answer that is not an event stream, and for a caller that requested none', () => {
    const text = `event: countersign-receipt\ndata: ${TOKEN}\n\n`;
    expect(pass([bytesOf(text)], answerOf('text/markdown', false))).toMatchObject({
      ...{ text, isForged: false },
    });
    expect(pass([bytesOf(text)], EVENTS, false)).toMatchObject({ text, isForged: false });
  });
});

describe('an honest stream', () => {
  it.each([
    'data: event: countersign-receipt\n\n',
    'data: {"text":"\\nevent: countersign-receipt"}\n\n',
    ': event: countersign-receipt\n\n',
    'id: countersign-receipt\ndata: 1\n\n',
    'event: countersigned\ndata: 1\n\n',
    'event: message\ndata: countersign-receipt\n\n',
    'events: countersign-receipt\ndata: 1\n\n',
    'data: caf\u00e9 countersign-receipt\n\n',
  ])('passes byte for byte: %j', (text) => {
    for (const chunks of cutsOf(text)) {
      expect(pass(chunks)).toMatchObject({
        text,
        isForged: false,
        isWithheld: false,
        isBetween: true,
      });
    }
  });

  it.each([
    ['', true],
    ['data: 1\n\n', true],
    ['data: 1\r\n\r\n', true],
    ['data: 1\r\n\r', true],
    ['data: 1\r\r', true],
    ['data: 1\n\n\n', true],
    [': ping\n\n', true],
    ['event: x\n\n', true],
    ['\ufeff', true],
    ['data: 1\n', false],
    ['data: 1\r\n', false],
    ['data: 1\n\ndata: 2', false],
    ['data: 1\n\nid: 2\n', false],
    ['data: 1\v\v', false],
    ['data: 1\n\n\ufeff', false],
  ])('may be followed by an event only between events: %j', (text, isBetween) => {
    for (const chunks of cutsOf(text)) {
      expect(pass([...chunks, new Uint8Array(0)])).toMatchObject({
        text,
        isForged: false,
        isBetween,
      });
    }
  });

  it('may not be followed by an event after a part of a BOM', () => {
    expect(pass([Uint8Array.of(0xef, 0xbb)]).isBetween).toBe(false);
  });
});
