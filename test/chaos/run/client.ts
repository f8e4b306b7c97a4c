import { connect } from 'node:net';
import type { Reply } from './purchase.ts';
import type { Signed } from './sign-purchase.ts';

/** Longer than a call that settles before the tool runs. */
const TIMEOUT_MS = 45_000;

const paidBy = (header: string | null): Reply['paidBy'] => {
  if (header === null) return undefined;
  const { extra } = JSON.parse(Buffer.from(header, 'base64').toString()) as {
    extra?: { paidFrom?: string };
  };
  return extra?.paidFrom === 'credit' ? 'credit' : 'payment';
};

/** Sends a request once. */
export const send = async (gateway: string, { method, path, headers }: Signed): Promise<Reply> => {
  try {
    const response = await fetch(gateway + path, {
      method,
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return {
      status: response.status,
      body: await response.text(),
      retryAfter: Number(response.headers.get('retry-after') ?? 0),
      paidBy: paidBy(response.headers.get('payment-response')),
    };
  } catch {
    return { status: 0, body: '', retryAfter: 1, paidBy: undefined };
  }
};

/** Sends a request and hangs up without reading a byte. Never throws: the gateway may be dead. */
export const sendAndLeave = async (
  gateway: string,
  { method, path, headers }: Signed,
): Promise<void> => {
  const { hostname, port } = new URL(gateway);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(method === 'POST' ? ['Content-Length: 0'] : []),
  ];
  await new Promise<void>((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${lines.join('\r\n')}\r\n\r\n`, () => {
        // Gives the runtime time to read the request before the connection closes.
        setTimeout(() => {
          socket.destroy();
          resolve();
        }, 20);
      });
    });
    socket.once('error', () => resolve());
  });
};

/** Whether the client must send the same request again later. */
export const isOpen = ({ status, body }: Reply): boolean =>
  status === 0 ||
  status === 429 ||
  status === 503 ||
  status === 500 ||
  (status === 409 && body.includes('in-progress'));
