import { openEventReader } from './event-stream.ts';
import {
  type NotificationListener,
  readMessage,
  type RemoteFault,
  type RemoteMessage,
} from './message.ts';

/** The options of reading an answer. */
type Reading = {
  /** Of our request; null for a notification. */
  readonly id: string | null;
  readonly maxBytes: number;
  readonly onNotification?: NotificationListener;
};

type Answer =
  | Extract<RemoteMessage, { readonly kind: 'result' | 'error' }>
  | { readonly kind: 'failed'; readonly fault: RemoteFault };

/** An honest call reports its progress a few times a second; a listener costs a message to the caller. */
const MAX_NOTIFICATIONS = 1_000;

const JSON_TYPE = /^\s*application\/json\s*(?:;|$)/i;
const STREAM_TYPE = /^\s*text\/event-stream\s*(?:;|$)/i;

const fail = (fault: RemoteFault): Answer => ({ kind: 'failed', fault });

/**
 * Reads the answer to a request and stops at its response, at the cap, or at the first thing that is not JSON-RPC. At most one chunk beyond
 * the cap is in memory (CWE-770).
 */
export const readAnswer = async (response: Response, reading: Reading): Promise<Answer> => {
  const { headers, body, ok } = response;
  const type = headers.get('content-type') ?? '';
  const isStream = STREAM_TYPE.test(type);
  if (body === null || (!isStream && !JSON_TYPE.test(type))) {
    await body?.cancel().catch(() => undefined);
    return fail(ok ? 'malformed' : 'status');
  }
  if (Number(headers.get('content-length') ?? 0) > reading.maxBytes) {
    await body.cancel().catch(() => undefined);
    return fail('oversized');
  }
  const reader = body.getReader();
  try {
    return isStream
      ? await readStream(reader, reading)
      : await readWhole(reader, ok ? reading : { ...reading, id: null }, ok);
  } catch {
    return fail('truncated');
  } finally {
    // Ends the request: an endless stream would keep its connection.
    void reader.cancel().catch(() => undefined);
  }
};

type Reader = ReadableStreamDefaultReader<Uint8Array>;

const readWhole = async (
  reader: Reader,
  { id, maxBytes }: Reading,
  ok: boolean,
): Promise<Answer> => {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
    if (bytes > maxBytes) return fail('oversized');
    text += decoder.decode(value, { stream: true });
  }
  const message = readMessage(text + decoder.decode(), id);
  if (message?.kind === 'error' || (ok && message?.kind === 'result')) return message;
  return fail(ok ? 'malformed' : 'status');
};

const readStream = async (
  reader: Reader,
  { id, maxBytes, onNotification }: Reading,
): Promise<Answer> => {
  const events = openEventReader();
  let bytes = 0;
  let notifications = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return fail('truncated');
    bytes += value.byteLength;
    for (const data of events.push(value)) {
      // SDK servers begin a stream with an event that has an id and no data.
      if (data === '') continue;
      const message = readMessage(data, id);
      if (message === undefined) return fail('malformed');
      if (message.kind === 'result' || message.kind === 'error') return message;
      if (message.kind === 'notification') {
        notifications += 1;
        if (notifications > MAX_NOTIFICATIONS) return fail('oversized');
        onNotification?.(message.method, message.params);
      }
    }
    if (bytes > maxBytes) return fail('oversized');
  }
};
