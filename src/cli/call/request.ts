import { readFile } from 'node:fs/promises';
import { decodeUtf8 } from '../../crypto/bytes.ts';
import { usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { originOf } from '../lib/profile.ts';
import type { Session } from '../lib/session.ts';

/** The request of the command line, before the client signs anything. */
export type CallRequest = {
  readonly url: string;
  readonly origin: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
};

/** The largest body that a gateway reads. */
const MAX_BODY = 25 * 1024 * 1024;

/** Reads URL, method, headers and body with the conventions of curl. @throws CliError usage */
export const readRequest = async (session: Session, input: Input): Promise<CallRequest> => {
  const url = await urlIn(session, input.arguments[0] ?? '');
  const data = input.text('data');
  const body = data === undefined ? undefined : await bodyIn(session, data);
  const headers = headersIn(input.list('header'));
  if (body !== undefined && !headers.has('content-type'))
    headers.set('content-type', contentTypeOf(body));
  const method = (input.text('request') ?? (body === undefined ? 'GET' : 'POST')).toUpperCase();
  if (!/^[A-Z][A-Z-]{0,31}$/.test(method))
    throw usageError('-X takes an HTTP method.', 'Use e.g. GET, POST, PUT or DELETE.');
  if (body !== undefined && (method === 'GET' || method === 'HEAD'))
    throw usageError(`A ${method} request has no body.`, 'Omit -d, or use another method.');
  return { url, origin: originOf(url, 'The URL'), method, headers, body };
};

const urlIn = async ({ profile }: Session, text: string): Promise<string> => {
  if (text.startsWith('/')) return new URL(text, await profile.gateway()).href;
  if (URL.canParse(text) && /^https?:/i.test(text)) {
    const { username, password } = new URL(text);
    // `fetch` rejects such a URL with an error that repeats the password.
    if (username === '' && password === '') return text;
    throw usageError(
      'The command sends no user name or password of a URL.',
      "Send a header instead, e.g. -H 'authorization: …'.",
    );
  }
  throw usageError(
    'That is neither a URL nor a path.',
    'Give e.g. https://gateway.example/tools/lookup, or /tools/lookup with --gateway.',
  );
};

const bodyIn = async (session: Session, data: string): Promise<Uint8Array<ArrayBuffer>> => {
  if (!data.startsWith('@')) return new Uint8Array(new TextEncoder().encode(data));
  const path = data.slice(1);
  if (path === '-') return await session.stdin(MAX_BODY);
  try {
    return new Uint8Array(await readFile(path));
  } catch {
    throw usageError(
      `The command cannot read the file ${path}.`,
      `Check the path after -d @. Relative paths begin at ${process.cwd()}.`,
    );
  }
};

const headersIn = (lines: readonly string[]): Headers => {
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(':');
    try {
      headers.append(line.slice(0, Math.max(0, colon)).trim(), line.slice(colon + 1).trim());
    } catch {
      throw usageError(
        "-H takes a header, as 'name: value'.",
        "Give e.g. -H 'accept: text/plain'.",
      );
    }
  }
  return headers;
};

/** JSON if the body is JSON, else the type that curl sends with `-d`. */
const contentTypeOf = (body: Uint8Array): string => {
  try {
    JSON.parse(decodeUtf8(body) ?? '');
    return 'application/json';
  } catch {
    return 'application/x-www-form-urlencoded';
  }
};
