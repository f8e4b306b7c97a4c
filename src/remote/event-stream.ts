/** Splits a `text/event-stream` into the data of its events (WHATWG HTML §9.2.6), chunk by chunk. */
export type EventReader = {
  /** Returns the data of the events that a chunk completes. */
  readonly push: (chunk: Uint8Array) => readonly string[];
};

const LINE_END = /\r\n|\n|\r/;
const DATA = /^data(?:$|: ?)/;

/** The caller bounds the bytes: an event that never ends stays in memory until then. */
export const openEventReader = (): EventReader => {
  const decoder = new TextDecoder();
  // Attack: a server sends a long line byte by byte. Joining its parts only once keeps the work linear.
  let parts: string[] = [];
  let data: string[] = [];
  let endedInReturn = false;
  return {
    push: (chunk) => {
      let text = decoder.decode(chunk, { stream: true });
      if (text === '') return [];
      if (endedInReturn && text.startsWith('\n')) text = text.slice(1);
      endedInReturn = text.endsWith('\r');
      const lines = text.split(LINE_END);
      const open = lines.pop() ?? '';
      const [first] = lines;
      if (first !== undefined) {
        lines[0] = parts.join('') + first;
        parts = [];
      }
      parts.push(open);
      const events: string[] = [];
      for (const line of lines) {
        if (DATA.test(line)) data.push(line.replace(DATA, ''));
        else if (line === '' && data.length > 0) {
          events.push(data.join('\n'));
          data = [];
        }
      }
      return events;
    },
  };
};
