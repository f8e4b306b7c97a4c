import { decodeUtf8 } from '../crypto/bytes.ts';
import { shown } from '../dashboard/format/text.ts';
import { indentedJson } from './indented-json.ts';

/** The answer of a tool, for people. Never HTML: the tool chose every byte. */
export type Answer = {
  readonly status: number;
  /** Text to show; undefined for bytes that are not text, and for an empty answer. */
  readonly text: string | undefined;
  /** Whether `text` is only the beginning. */
  readonly isCut: boolean;
  /** All bytes, to download. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** A name for the file. */
  readonly fileName: string;
};

/** The most bytes that the page keeps of an answer. */
const MAX_BYTES = 16 * 1024 * 1024;
/** The most characters that it shows: browsers become slow beyond. */
const MAX_SHOWN = 100_000;
const MAX_INDENTED = 1_000_000;

/** Reads the answer of a tool. @throws the errors of reading a body; Error for an answer that is too large */
export const readAnswer = async (response: Response, name: string): Promise<Answer> => {
  const bytes = await readBytes(response);
  return answerOf(response.status, response.headers.get('content-type') ?? '', bytes, name);
};

/** As `readAnswer`, for bytes that were already read. */
export const answerOf = (
  status: number,
  contentType: string,
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
): Answer => {
  const text = textOf(bytes);
  const json = text === undefined || text.length > MAX_INDENTED ? undefined : indentedJson(text);
  const whole = json ?? text;
  return {
    status,
    text: whole === undefined ? undefined : readable(whole.slice(0, MAX_SHOWN)),
    isCut: (whole?.length ?? 0) > MAX_SHOWN,
    bytes,
    fileName: `${name}${json === undefined ? (text === undefined ? extensionOf(contentType) : '.txt') : '.json'}`,
  };
};

/** Line breaks and tabs are part of a text; other control characters and changes of direction are not shown as they are. */
const readable = (text: string): string =>
  text
    .replaceAll('\r\n', '\n')
    .split(/([\n\t])/)
    .map((part) => (part === '\n' || part === '\t' ? part : shown(part)))
    .join('');

/** Bytes with a zero byte do not count as text, whatever they decode to. */
const textOf = (bytes: Uint8Array<ArrayBuffer>): string | undefined => {
  const text = bytes.includes(0) ? undefined : decodeUtf8(bytes);
  return text === '' ? undefined : text;
};

const EXTENSIONS: Readonly<Record<string, string>> = {
  'application/pdf': '.pdf',
  'application/zip': '.zip',
  'audio/mpeg': '.mp3',
  'image/gif': '.gif',
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'image/webp': '.webp',
  'video/mp4': '.mp4',
};

const extensionOf = (contentType: string): string =>
  EXTENSIONS[contentType.split(';')[0]?.trim().toLowerCase() ?? ''] ?? '.bin';

const readBytes = async (response: Response): Promise<Uint8Array<ArrayBuffer>> => {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done || value === undefined) break;
    size += value.byteLength;
    if (size > MAX_BYTES) {
      await reader?.cancel();
      throw new Error(`The answer is larger than ${MAX_BYTES} bytes.`);
    }
    parts.push(value);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
};
