import type { Outgoing } from '../../client/outgoing.ts';
import { nowSeconds, type Seconds } from '../../core/clock.ts';
import { signedHeaders } from '../../protocol/http-signature.ts';
import { AGENT_SESSION_HEADER, encodeAgentSession } from '../../protocol/intent/agent-session.ts';
import { session, endLocally } from '../session/session.ts';
import { inTime } from './in-time.ts';
import { fetchUnlessKept } from './kept-answers.ts';
import type { StoredSession } from '../session/stored-session.ts';

const JSON_TYPE = 'application/json';

/** How far the clock of the gateway is ahead of this device's. */
let ahead: Seconds = 0;

const noteClock = (answer: Response): void => {
  const date = Date.parse(answer.headers.get('date') ?? '');
  if (!Number.isNaN(date)) ahead = Math.floor(date / 1000) - nowSeconds();
};

/** The time at the gateway, Unix seconds. */
export const gatewayNow = (): Seconds => nowSeconds() + ahead;

const send = async ({ key, signed }: StoredSession, request: Outgoing): Promise<Response> => {
  const { url, method, body } = request;
  const headers = new Headers(request.headers);
  const proof = await signedHeaders(
    { method, targetUri: url, contentType: JSON_TYPE, body: body ?? new Uint8Array() },
    key,
    gatewayNow(),
    'countersign-session',
  );
  for (const [name, value] of Object.entries(proof)) headers.set(name, value);
  headers.set(AGENT_SESSION_HEADER, encodeAgentSession(signed));
  return inTime(request.signal, async (signal) =>
    fetchUnlessKept(url, { method, headers, signal, ...(body === undefined ? {} : { body }) }),
  );
};

const problemType = async (answer: Response): Promise<string> => {
  const { type = '' } = (await answer
    .clone()
    .json()
    .catch(() => ({}))) as { readonly type?: string };
  return type.replace('urn:countersign:problem:', '');
};

/**
 * Sends a read with the signature of a session's key (docs/wire-format.md §21). Signs again once where the gateway asks for it: its account was
 * asleep, or the clocks differ.
 */
export const readAs = async (reader: StoredSession, request: Outgoing): Promise<Response> => {
  const first = await send(reader, request);
  noteClock(first);
  if (first.ok) return first;
  const type = await problemType(first);
  if (type === 'session-ended') endLocally(reader.key.publicKey);
  const isForAnother = type === 'session-repeat' || type === 'invalid-session';
  return isForAnother ? send(reader, request) : first;
};

/** Sends a read of the session of this tab. */
export const readBySession = async (request: Outgoing): Promise<Response> => {
  const current = session.value;
  if (current.state !== 'in') throw new Error('You are signed out. Sign in again.');
  return readAs(current.session, request);
};
