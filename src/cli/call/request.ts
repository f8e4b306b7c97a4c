import { readFile } from 'node:fs/promises';
import { decodeUtf8 } from '../../crypto/bytes.ts';
import type { Input } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { originOf } from '../lib/profile.ts';
import type { Session } from '../lib/session.ts';

/** What is to be sent, unsigned. */
export type Wanted = {
  readonly url: string;
  readonly origin: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
};

/** What a gateway takes at most. */
const MAX_BODY = 25 * 1024 * 1024;

/** Reads the request that the command line describes, as curl would. @throws CliError */
export const wantedOf = async (session: Session, input: Input): Promise<Wanted> => {
  const url = await urlOf(session, input.arguments[0] ?? '');
  const data = input.text('data');
  const body = data === undefined ? undefined : await bodyOf(session, data);
  const headers = headersOf(input.list('header'));
  if (body !== undefined && !headers.has('content-type')) headers.set('content-type', typeOf(body));
  const method = (input.text('request') ?? (body === undefined ? 'GET' : 'POST')).toUpperCase();
  if (!/^[A-Z][A-Z-]{0,31}$/.test(method)) {
    throw usageError('-X takes the name of a method.', 'Use e.g. GET, POST, PUT or DELETE.');
  }
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw usageError(`A ${method} request has no body.`, 'Leave -d out, or use another method.');
  }
  return { url, origin: originOf(url, 'The URL'), method, headers, body };
};

const urlOf = async ({ profile }: Session, text: string): Promise<string> => {
  if (text.startsWith('/')) return new URL(text, await profile.gateway()).href;
  if (URL.canParse(text) && /^https?:/i.test(text)) {
    const { username, password } = new URL(text);
    // `fetch` takes none, and would repeat it in its error.
    if (username === '' && password === '') return text;
    throw usageError(
      'A URL with a name or password in it is not called.',
      "Give it as a header, e.g. -H 'authorization: …'.",
    );
  }
  throw usageError(
    'That is no URL and no path.',
    'Give e.g. https://gateway.example/tools/lookup, or /tools/lookup with --gateway.',
  );
};

const bodyOf = async (session: Session, data: string): Promise<Uint8Array<ArrayBuffer>> => {
  if (!data.startsWith('@')) return new Uint8Array(new TextEncoder().encode(data));
  const path = data.slice(1);
  if (path === '-') return await session.stdin(MAX_BODY);
  try {
    return new Uint8Array(await readFile(path));
  } catch {
    throw usageError(`The file ${path} cannot be read.`, 'Correct the path behind -d @.');
  }
};

const headersOf = (lines: readonly string[]): Headers => {
  const headers = new Headers();
  for (const line of lines) {
    const at = line.indexOf(':');
    try {
      headers.append(line.slice(0, Math.max(0, at)).trim(), line.slice(at + 1).trim());
    } catch {
      throw usageError("-H takes a header, as 'name: value'.", 'Correct the header.');
    }
  }
  return headers;
};

/** JSON where it is some; else what curl says of `-d`. */
const typeOf = (body: Uint8Array): string => {
  try {
    JSON.parse(decodeUtf8(body) ?? '');
    return 'application/json';
  } catch {
    return 'application/x-www-form-urlencoded';
  }
};
