import type { Outgoing } from '../../client/outgoing.ts';
import { nowSeconds } from '../../core/clock.ts';
import { signedHeaders } from '../../protocol/http-signature.ts';
import { AGENT_SESSION_HEADER, encodeAgentSession } from '../../protocol/intent/agent-session.ts';
import { session, endLocally } from '../session/session.ts';
import { gatewayNow, noteClock } from './gateway-clock.ts';
import { inTime } from './in-time.ts';
import { fetchUnlessKept } from './kept-answers.ts';
import { signedOut } from './own-reader.ts';
import type { StoredSession } from '../session/stored-session.ts';

const JSON_TYPE = 'application/json';

const send = async (reader: StoredSession, request: Outgoing): Promise<Response> => {
  const { key, signed } = reader;
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
    fetchUnlessKept(reader, url, {
      method,
      headers,
      signal,
      ...(body === undefined ? {} : { body }),
    }),
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
  const asked = nowSeconds();
  const first = await send(reader, request);
  noteClock(first, asked);
  if (first.ok) return first;
  const type = await problemType(first);
  if (type === 'session-ended') endLocally(reader.key.publicKey);
  const isForAnother = type === 'session-repeat' || type === 'invalid-session';
  return isForAnother ? send(reader, request) : first;
};

/** Sends a read of the session of this tab. */
export const readBySession = async (request: Outgoing): Promise<Response> => {
  const current = session.value;
  if (current.state !== 'in') throw signedOut();
  return readAs(current.session, request);
};
