import { decodeUtf8 } from '../../crypto/bytes.ts';
import { isRecord, readCopy, readJson } from '../json.ts';

/** The longest answer in bytes: gateways return results of at most 1 MiB, which base64 and JSON lengthen. */
const MAX_ANSWER = 4 * 1024 * 1024;

/** A JSON-RPC message of a server. */
export type Message = Readonly<Record<string, unknown>>;

/** The messages of one answer, in order; the last one is the response. */
export type Messages = { readonly earlier: readonly Message[]; readonly response: Message };

/**
 * Reads the answer to a JSON-RPC request: JSON, or server-sent events (HTML standard §9.2) up to the response.
 *
 * @returns undefined if the answer holds no response to this request: it is malformed, too long, or not of an MCP server
 * @throws the error of a connection that breaks; a `TimeoutError`
 */
export const readMessages = async (
  answer: Response,
  id: string | number,
  withinMs: number,
): Promise<Messages | undefined> => {
  const bytes = await readCopy(answer, MAX_ANSWER, withinMs);
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  if (text === undefined) return undefined;
  const isStream = /^text\/event-stream\b/i.test(answer.headers.get('content-type') ?? '');
  const messages = (isStream ? eventsIn(text) : [text]).map(readJson).filter(isRecord);
  const at = messages.findIndex((one) => one['id'] === id && !('method' in one));
  const response = messages[at];
  return response && { earlier: messages.slice(0, at), response };
};

/**
 * Attack: a server never stops sending (CWE-400). The transport reads every answer to its end, so it gets a stream that fails, and cancels
 * its source, past the longest allowed answer.
 */
export const bounded = (answer: Response): Response => {
  const { body, status, statusText, headers } = answer;
  if (body === null) return answer;
  let left = MAX_ANSWER;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      left -= chunk.byteLength;
      if (left >= 0) controller.enqueue(chunk);
      else
        controller.error(
          new TypeError('The server sent more than 4 MiB, which the client does not read.'),
        );
    },
  });
  return new Response(body.pipeThrough(counted), { status, statusText, headers });
};

/** The data of each event. Ignores comments and other fields. */
const eventsIn = (text: string): readonly string[] =>
  text.split(/\r\n\r\n|\n\n|\r\r/).flatMap((event) => {
    const data = event.split(/\r\n|\n|\r/).flatMap((line) => {
      const [, value] = /^data: ?(.*)$/s.exec(line) ?? [];
      return value === undefined ? [] : [value];
    });
    return data.length === 0 ? [] : [data.join('\n')];
  });

/** Writes messages as the answer that an MCP transport reads. */
export const answerWith = ({ earlier, response }: Messages): Response =>
  earlier.length === 0
    ? Response.json(response)
    : new Response([...earlier, response].map(eventOf).join(''), {
        headers: { 'Content-Type': 'text/event-stream' },
      });

const eventOf = (message: Message): string =>
  `event: message\ndata: ${JSON.stringify(message)}\n\n`;
