import { openReportCollector, type ReadReports } from './report-collector.ts';
import { type AnswerSource, type Place, placesOf } from './report-place.ts';

/** Reads reports from the bytes of a JSON document, in chunks of any size. */
export type ReportReader = {
  readonly write: (bytes: Uint8Array) => void;
  /** Ends the document, and begins the next one. No reports if the bytes were not a JSON document. */
  readonly end: () => ReadReports;
};

const [QUOTE, BACKSLASH, COMMA, COLON, MINUS] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
const [ZERO, NINE, SMALL_N] = [0x30, 0x39, 0x6e];

const isSpace = (byte: number): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** A digit, a sign, a point or the letter of an exponent. */
const isNumeric = (byte: number): boolean =>
  (byte >= ZERO && byte <= NINE) || byte === MINUS || '+.eE'.includes(String.fromCharCode(byte));

/** No pointer has a longer name, and a longer number is absurd. */
const MAX_NAME = 1_024;
const MAX_NUMBER = 32;

/** An object or array on the way to a value. */
type Frame = { readonly place: Place; readonly isArray: boolean; seen?: Set<Place>; index: number };

/**
 * Where the reader is in the document. `passing`: in a container that no pointer leads into. `broken`: this is not JSON, so nothing in it
 * counts.
 */
type State =
  | 'value'
  | 'name'
  | 'in name'
  | 'colon'
  | 'after'
  | 'number'
  | 'literal'
  | 'passing'
  | 'passing string'
  | 'ended'
  | 'broken';

/**
 * Opens a reader of reports. It follows the pointers through the bytes and skips everything else, so no document or member is held or
 * parsed, whatever its size. Numbers keep their digits: as a double, 2^53 + 1 would be another number.
 */
export const openReportReader = (at: readonly string[], source: AnswerSource): ReportReader => {
  const root = placesOf(at, source);
  const name = new Uint8Array(MAX_NAME);
  const frames: Frame[] = [];
  const collected = openReportCollector();
  let state: State = 'value';
  /** The place of the next value; undefined: no pointer leads there. */
  let place: Place | undefined = root;
  let nameLength = 0;
  let isEscaped = false;
  let number = '';
  /** Open containers that the reader skips; 0: it skips a string alone. */
  let depth = 0;

  const reset = (): void => {
    frames.length = 0;
    state = 'value';
    place = root;
    isEscaped = false;
    depth = 0;
  };

  const ended = (): void => {
    state = frames.length === 0 ? 'ended' : 'after';
  };

  const beginContainer = (isArray: boolean): void => {
    if (place !== undefined) collected.container(place, isArray);
    if (place === undefined || place.children.size === 0) {
      state = 'passing';
      depth = 1;
      return;
    }
    frames.push({ place, isArray, index: 0 });
    state = isArray ? 'value' : 'name';
    if (isArray) place = place.children.get('0');
  };

  const beginValue = (byte: number): void => {
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) beginContainer(byte === OPEN_ARRAY);
    else if (byte === QUOTE) {
      collected.value(place, 'other');
      state = 'passing string';
    } else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      number = String.fromCharCode(byte);
      state = 'number';
    } else if (byte >= 0x61 && byte <= 0x7a) {
      if (byte !== SMALL_N) collected.value(place, 'other');
      state = 'literal';
    } else state = 'broken';
  };

  /** The child with the name that was read. Names with escapes match no child, because `report-filter.ts` would not find them. */
  const childNamed = ({ names }: Place): Place | undefined => {
    for (const { bytes, place: child } of names) {
      if (bytes.length !== nameLength) continue;
      let index = 0;
      while (index < nameLength && bytes[index] === name[index]) index += 1;
      if (index === nameLength) return child;
    }
    return undefined;
  };

  const endName = (): void => {
    const frame = frames.at(-1);
    place = frame && nameLength <= MAX_NAME ? childNamed(frame.place) : undefined;
    if (frame === undefined || place === undefined) return;
    if (frame.seen?.has(place) === true) collected.repeated(place);
    (frame.seen ??= new Set()).add(place);
  };

  const after = (byte: number): void => {
    const frame = frames.at(-1);
    if (frame === undefined) return;
    if (byte === COMMA) {
      state = frame.isArray ? 'value' : 'name';
      frame.index += 1;
      if (frame.isArray) place = frame.place.children.get(String(frame.index));
    } else if (byte === (frame.isArray ? CLOSE_ARRAY : CLOSE_OBJECT)) {
      frames.pop();
      ended();
    } else if (!isSpace(byte)) state = 'broken';
  };

  /** Reads from one offset until the state changes. @returns the next offset */
  const step = (bytes: Uint8Array, from: number): number => {
    let offset = from;
    const { length } = bytes;
    switch (state) {
      case 'passing':
        for (; offset < length;) {
          const byte = bytes[offset] ?? 0;
          offset += 1;
          if (byte === QUOTE) {
            state = 'passing string';
            return offset;
          }
          if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
          else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
            depth -= 1;
            if (depth === 0) {
              ended();
              return offset;
            }
          }
        }
        return offset;
      case 'passing string':
        for (; offset < length;) {
          const byte = bytes[offset];
          offset += 1;
          if (isEscaped) isEscaped = false;
          else if (byte === BACKSLASH) isEscaped = true;
          else if (byte === QUOTE) {
            if (depth > 0) state = 'passing';
            else ended();
            return offset;
          }
        }
        return offset;
      case 'in name':
        for (; offset < length;) {
          const byte = bytes[offset] ?? 0;
          offset += 1;
          if (byte === QUOTE && !isEscaped) {
            endName();
            state = 'colon';
            return offset;
          }
          if (nameLength < MAX_NAME) name[nameLength] = byte;
          nameLength += 1;
          isEscaped = byte === BACKSLASH && !isEscaped;
        }
        return offset;
      case 'number': {
        const byte = bytes[offset] ?? 0;
        if (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY || isSpace(byte)) {
          collected.value(place, { number });
          ended();
          return offset;
        }
        if (!isNumeric(byte)) state = 'broken';
        else if (number.length < MAX_NUMBER) number += String.fromCharCode(byte);
        return offset + 1;
      }
      case 'literal': {
        const byte = bytes[offset] ?? 0;
        if (byte >= 0x61 && byte <= 0x7a) return offset + 1;
        ended();
        return offset;
      }
      case 'value': {
        const byte = bytes[offset] ?? 0;
        const frame = frames.at(-1);
        if (byte === CLOSE_ARRAY && frame?.isArray === true && frame.index === 0) {
          frames.pop();
          ended();
        } else if (!isSpace(byte)) beginValue(byte);
        return offset + 1;
      }
      case 'name': {
        const byte = bytes[offset] ?? 0;
        if (byte === QUOTE) {
          state = 'in name';
          [nameLength, isEscaped] = [0, false];
        } else if (byte === CLOSE_OBJECT && frames.at(-1)?.index === 0) {
          frames.pop();
          ended();
        } else if (!isSpace(byte)) state = 'broken';
        return offset + 1;
      }
      case 'colon': {
        const byte = bytes[offset] ?? 0;
        if (byte === COLON) state = 'value';
        else if (!isSpace(byte)) state = 'broken';
        return offset + 1;
      }
      case 'after':
        after(bytes[offset] ?? 0);
        return offset + 1;
      case 'ended':
        if (!isSpace(bytes[offset] ?? 0)) state = 'broken';
        return offset + 1;
      case 'broken':
        return length;
    }
  };

  return {
    write: (bytes) => {
      for (let offset = 0; offset < bytes.length;) offset = step(bytes, offset);
    },
    end: () => {
      const read = collected.take(state === 'ended');
      reset();
      return read;
    },
  };
};
