import { connect, type Socket } from 'node:net';
import { LOOPBACK } from '../stack/loopback.ts';

/** An HTTP answer. */
export type Answer = { readonly status: number; readonly head: string; readonly body: string };

/**
 * A keep-alive connection that sends prepared bytes, one request at a time. The client shares the machine with its subject, so it must
 * cost as little as possible.
 */
export type Connection = {
  readonly send: (request: Buffer) => Promise<Answer>;
  readonly close: () => void;
};

const END_OF_HEAD = '\r\n\r\n';

/** Parses the answer in the received text. @returns undefined while it is incomplete. */
const answerIn = (text: string): Answer | undefined => {
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

/** Opens a connection to a port of this machine. */
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
    const answer = answerIn(text);
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

/** Encodes a GET request. */
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

/** Encodes a POST request with a JSON body. */
export const postRequest = (
  port: number,
  target: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Buffer => {
  const all = {
    ...headers,
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
  };
  const head = getRequest(port, target, all).toString('latin1').replace(/^GET/, 'POST');
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]);
};

/** Parses the headers of an answer, by lower-case name. */
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
