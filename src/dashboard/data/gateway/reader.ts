import type { Outgoing } from '../../../client/outgoing.ts';
import { nowSeconds } from '../../../core/clock.ts';
import { signedHeaders } from '../../../protocol/http-signature.ts';
import {
  AGENT_SESSION_HEADER,
  encodeAgentSession,
} from '../../../protocol/intent/agent-session.ts';
import { session, endLocally } from '../../session/session.ts';
import { gatewayNow, noteClock } from './gateway-clock.ts';
import { withTimeout } from './request-timeout.ts';
import { fetchUnlessKept } from './kept-answers.ts';
import { signedOut } from './own-reader.ts';
import type { StoredSession } from '../../session/stored-session.ts';

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
  return withTimeout(request.signal, async (signal) =>
    fetchUnlessKept(reader, url, {
      method,
      headers,
      signal,
      ...(body === undefined ? {} : { body }),
    }),
  );
};

const problemType = async (answer: Response): Promise<string> => {
  if (answer.ok) return '';
  const { type = '' } = (await answer
    .clone()
    .json()
    .catch(() => ({}))) as { readonly type?: string };
  return type.replace('urn:countersign:problem:', '');
};

/** Why the gateway requests another signature, in the order of its checks: the clocks differ, and the account was asleep. */
const REPEATED = ['invalid-session', 'session-repeat'];

/**
 * Sends a read with the signature of a session's key (docs/wire-format.md §21). Signs again if the gateway requests it, once for each
 * reason.
 */
export const readAs = async (reader: StoredSession, request: Outgoing): Promise<Response> => {
  const asked = nowSeconds();
  let answer = await send(reader, request);
  noteClock(answer, asked);
  let type = await problemType(answer);
  for (const reason of REPEATED) {
    if (type !== reason) continue;
    answer = await send(reader, request);
    type = await problemType(answer);
  }
  if (type === 'session-ended') endLocally(reader.key.publicKey);
  return answer;
};

/** Sends a read of the session of this tab. */
export const readBySession = async (request: Outgoing): Promise<Response> => {
  const current = session.value;
  if (current.state !== 'in') throw signedOut();
  return readAs(current.session, request);
};
