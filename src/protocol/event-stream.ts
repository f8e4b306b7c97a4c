/** Receives the parts of an event stream. */
export type EventSink = {
  /** A piece of the current event's data, whose lines are joined by LF. A view of the chunk, valid only during the call. */
  readonly data: (piece: Uint8Array) => void;
  /**
   * The event has ended. `end`: the offset after it in the chunk. `type`: its name, empty if it has none. Not called for an event without
   * data, which the standard discards (WHATWG HTML §9.2.6).
   */
  readonly event: (type: string, end: number) => void;
};

/** Splits the bytes of a `text/event-stream`, in chunks of any size. */
export type EventSplitter = { readonly write: (chunk: Uint8Array) => void };

const [LF, CR, COLON, SPACE] = [10, 13, 58, 32];
const BOM = [0xef, 0xbb, 0xbf];
const LINE_FEED = Uint8Array.of(LF);
const DATA = Uint8Array.from('data', (letter) => letter.charCodeAt(0));
const EVENT = Uint8Array.from('event', (letter) => letter.charCodeAt(0));
/** Longer names are cut to this length: one more than any name in terms, so that a cut name equals none. */
const MAX_TYPE = 65;

/**
 * Opens a splitter by the parsing rules of WHATWG HTML §9.2.6: lines end with LF, CR or CRLF, and a BOM may lead. It holds no part of the
 * data, so an event of any size takes no memory.
 */
export const openEventSplitter = (sink: EventSink): EventSplitter => {
  let bom = 0;
  let afterReturn = false;
  let hasData = false;
  let type = '';
  let isEmpty = true;
  /** Where the line is read: in its name, before or in its value, or in a line that does not matter. */
  let place: 'name' | 'space' | 'value' | 'ignored' = 'name';
  /** The field that the name can still become. */
  let field: Uint8Array | undefined;
  let matched = 0;
  let value = '';

  const beginValue = (): void => {
    place = 'value';
    value = '';
    if (field !== DATA) return;
    if (hasData) sink.data(LINE_FEED);
    hasData = true;
  };

  const readName = (chunk: Uint8Array, from: number, end: number): number => {
    let at = from;
    for (; at < end && place === 'name'; at += 1) {
      const byte = chunk[at];
      if (field === undefined) field = byte === DATA[0] ? DATA : EVENT;
      if (matched === field.length && byte === COLON) place = 'space';
      else if (byte === field[matched]) matched += 1;
      else place = 'ignored';
    }
    return at;
  };

  const readLine = (chunk: Uint8Array, from: number, end: number): void => {
    let at = place === 'name' ? readName(chunk, from, end) : from;
    if (place === 'space' && at < end) {
      if (chunk[at] === SPACE) at += 1;
      beginValue();
    }
    if (place !== 'value' || at === end) return;
    const piece = chunk.subarray(at, end);
    if (field === DATA) sink.data(piece);
    else {
      const most = Math.min(piece.length, MAX_TYPE - value.length);
      for (let index = 0; index < most; index += 1) value += String.fromCharCode(piece[index] ?? 0);
    }
  };

  const endLine = (end: number): void => {
    if (isEmpty) {
      if (hasData) sink.event(type, end);
      hasData = false;
      type = '';
      return;
    }
    const isBare = place === 'space' || (place === 'name' && matched === field?.length);
    if (isBare) beginValue();
    if (place === 'value' && field === EVENT) type = value;
    isEmpty = true;
    place = 'name';
    field = undefined;
    matched = 0;
  };

  /** Returns the offset after a BOM. */
  const skipBom = (chunk: Uint8Array): number => {
    let at = 0;
    for (; bom < BOM.length && at < chunk.length && chunk[at] === BOM[bom]; at += 1) bom += 1;
    if (at === chunk.length || bom === BOM.length) return at;
    // The start of a BOM without its end belongs to the name of an unknown field.
    if (bom > 0) [place, isEmpty] = ['ignored', false];
    bom = BOM.length;
    return at;
  };

  return {
    write: (chunk) => {
      let at = bom < BOM.length ? skipBom(chunk) : 0;
      let nextFeed = chunk.indexOf(LF, at);
      let nextReturn = chunk.indexOf(CR, at);
      while (at < chunk.length) {
        if (afterReturn) {
          afterReturn = false;
          if (chunk[at] === LF) {
            at += 1;
            continue;
          }
        }
        if (nextFeed !== -1 && nextFeed < at) nextFeed = chunk.indexOf(LF, at);
        if (nextReturn !== -1 && nextReturn < at) nextReturn = chunk.indexOf(CR, at);
        const isReturn = nextReturn !== -1 && (nextFeed === -1 || nextReturn < nextFeed);
        const lineEnd = isReturn ? nextReturn : nextFeed;
        const end = lineEnd === -1 ? chunk.length : lineEnd;
        if (end > at) {
          isEmpty = false;
          readLine(chunk, at, end);
        }
        if (lineEnd === -1) return;
        at = lineEnd + 1;
        afterReturn = isReturn;
        endLine(isReturn && chunk[at] === LF ? at + 1 : at);
      }
    },
  };
};
