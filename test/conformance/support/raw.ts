import { type IncomingMessage, request } from 'node:http';

/** The answer to a request that `fetch` cannot send. */
export type RawAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
};

/**
 * Sends header lines exactly as listed, including repeated and forbidden ones, and the path exactly as written. Rejects if the connection
 * breaks.
 */
export const sendRaw = async (
  origin: string,
  options: {
    readonly path: string;
    readonly method?: string;
    readonly headers: readonly (readonly [string, string])[];
    readonly body?: Uint8Array | string;
  },
): Promise<RawAnswer> => {
  const { hostname, port, host } = new URL(origin);
  const named = options.headers.some(([name]) => name.toLowerCase() === 'host');
  return await new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ hostname, port, path: options.path, method: options.method ?? 'GET', agent: false },
        headers: [...(named ? [] : [['Host', host]]), ...options.headers].flat() as string[],
      },
      (answer) => {
        void readRaw(answer).then(resolve, reject);
      },
    );
    sent.once('error', reject);
    sent.end(options.body);
  });
};

const readRaw = async (answer: IncomingMessage): Promise<RawAnswer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const headers = Object.entries(answer.headersDistinct).map(([name, values]) => [
    name,
    values?.join(', '),
  ]);
  return {
    status: answer.statusCode ?? 0,
    headers: Object.fromEntries(headers) as Record<string, string>,
    text: Buffer.concat(chunks).toString(),
  };
};
