import { openEventSplitter } from '../protocol/event-stream.ts';

/** Reads the data of the events of a `text/event-stream`, chunk by chunk. */
export type EventReader = {
  /** Returns the data of the events that a chunk completes. */
  readonly push: (chunk: Uint8Array) => readonly string[];
};

/** A BOM leads a stream, not an event. */
const KEEP_BOM = { fatal: false, ignoreBOM: true };

/** The caller bounds the bytes: an event that never ends stays in memory until then. */
export const openEventReader = (): EventReader => {
  // Attack: a server sends a long line byte by byte. Joining its parts only once keeps the work linear.
  let parts: string[] = [];
  let decoder = new TextDecoder('utf-8', KEEP_BOM);
  let events: string[] = [];
  const splitter = openEventSplitter({
    data: (piece) => void parts.push(decoder.decode(piece, { stream: true })),
    event: () => {
      parts.push(decoder.decode());
      events.push(parts.join(''));
      parts = [];
      decoder = new TextDecoder('utf-8', KEEP_BOM);
    },
  });
  return {
    push: (chunk) => {
      splitter.write(chunk);
      const ended = events;
      events = [];
      return ended;
    },
  };
};
