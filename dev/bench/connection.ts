import { connect, type Socket } from 'node:net';
import { LOOPBACK } from '../stack/ports.ts';

/** What came back. */
export type Answer = { readonly status: number; readonly head: string; readonly body: string };

/**
 * One connection that is kept, and one request on it at a time, as bytes made before. The client is to cost as little as it can: it shares
 * the machine with what it measures.
 */
export type Connection = {
  readonly send: (request: Buffer) => Promise<Answer>;
  readonly close: () => void;
};

const END_OF_HEAD = '\r\n\r\n';

/** The answer at the start of what has come so far; undefined where it is not whole yet. */
const wholeAnswer = (text: string): Answer | undefined => {
  const end = text.indexOf(END_OF_HEAD);
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const rest = text.slice(end + END_OF_HEAD.length);
  const status = Number(head.slice(9, 12));
  const length = /\r\ncontent-length: *([0-9]+)/i.exec(head)?.[1];
  if (length !== undefined) {
    return rest.length < Number(length) ? undefined : { status, head, body: rest };
  }
  if (status === 204 || status === 304) return { status, head, body: '' };
  return rest.endsWith('0\r\n\r\n') ? { status, head, body: rest } : undefined;
};

export const openConnection = async (port: number): Promise<Connection> => {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = connect({ port, host: LOOPBACK, noDelay: true }, () => resolve(opening));
    opening.once('error', reject);
  });
  let waiting: PromiseWithResolvers<Answer> | undefined;
  let text = '';
  const fail = (cause: Error): void => {
    waiting?.reject(cause);
    waiting = undefined;
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('The connection was closed.')));
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
    const answer = wholeAnswer(text);
    if (answer === undefined) return;
    text = '';
    waiting?.resolve(answer);
    waiting = undefined;
  });
  return {
    send: async (request) => {
      const answered = Promise.withResolvers<Answer>();
      waiting = answered;
      socket.write(request);
      return await answered.promise;
    },
    close: () => socket.destroy(),
  };
};

/** The bytes of a GET. */
export const getRequest = (
  port: number,
  target: string,
  headers: Readonly<Record<string, string>>,
): Buffer => {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(
    `GET ${target} HTTP/1.1\r\nHost: ${LOOPBACK}:${port}\r\n${lines.join('')}\r\n`,
    'latin1',
  );
};

/** Each header of a head, by lower-case name. */
export const headersOf = (head: string): ReadonlyMap<string, string> =>
  new Map(
    head
      .split('\r\n')
      .slice(1)
      .map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
  );
