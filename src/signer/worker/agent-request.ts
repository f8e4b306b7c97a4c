import { readBody } from '../../gateway/observe.ts';
import { parseAccountId } from '../../protocol/account-id.ts';
import { MAX_RPC_BODY } from '../../protocol/signer/rpc.ts';
import type { SignerEnv } from '../env.ts';
import { type HttpAnswer, rpcError, type RpcFault } from '../rpc-error.ts';
import type { SignerSettings } from '../settings.ts';
import { objectOf } from '../../protocol/jurisdiction.ts';

/** The headers that a signature covers or consists of (RFC 9421). The object gets no others. */
const SIGNED_HEADERS = ['content-type', 'content-digest', 'signature-input', 'signature'] as const;

/**
 * Answers a request of an agent. Checks here what needs no key: path, owner, method, headers, size. The owner's object verifies the signature,
 * because only it knows the keys.
 */
export const answerAgent = async (
  env: SignerEnv,
  { origin, owners }: SignerSettings,
  request: Request,
  owner: string,
): Promise<Response> => {
  if (request.method !== 'POST')
    return respond(rpcError(null, { error: 'malformed-request', field: 'method' }));
  const account = parseAccountId(owner);
  // Owners are few and configured: a stranger's path wakes no object (law 12).
  if (account === undefined || !owners.has(account.address)) {
    return refuse({ error: 'unauthenticated', fault: 'unknown_key', field: 'path' });
  }
  const headers = SIGNED_HEADERS.flatMap((name) => {
    const value = request.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  if (headers.length < SIGNED_HEADERS.length) {
    const absent = SIGNED_HEADERS.find((name) => !request.headers.has(name)) ?? '';
    return refuse({ error: 'unauthenticated', fault: 'missing', field: absent });
  }
  if (request.headers.get('content-type') !== 'application/json') {
    return refuse({
      error: 'malformed-request',
      field: 'content-type',
      detail: 'content-type must be application/json.',
    });
  }
  const body = await readBody(request, { maxBodyBytes: MAX_RPC_BODY });
  if (!body.ok) {
    return refuse({
      error: body.error.reason === 'body_too_large' ? 'body-too-large' : 'malformed-request',
    });
  }
  const url = new URL(request.url);
  const targetUri = origin + url.pathname + url.search;
  try {
    const answer = await objectOf(env, env.KEYRING, owner).answer({
      ...{ method: request.method, targetUri, headers, body: body.value },
    });
    return respond(answer);
  } catch (cause) {
    console.error({ event: 'keyring_failed', owner, cause: String(cause) });
    return refuse({ error: 'storage-unavailable', retryAfter: 1 });
  }
};

const refuse = (fault: RpcFault): Response => respond(rpcError(null, fault));

const respond = ({ status, body, retryAfter }: HttpAnswer): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: {
      'Content-Type': 'application/json',
      // A signature is worth money until it is presented (law 10).
      'Cache-Control': 'private, no-store',
      ...(retryAfter === undefined ? {} : { 'Retry-After': retryAfter.toString() }),
    },
  });
