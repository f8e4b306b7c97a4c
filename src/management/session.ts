import type { Tool } from '../catalog/tool.ts';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import { ok, err, type Result } from '../core/result.ts';
import { managementTool } from '../catalog/gateway-tools.ts';
import { bytesOf, encodeBase64Url } from '../crypto/bytes.ts';
import { thumbprint } from '../crypto/thumbprint.ts';
import { observeBody } from '../gateway/observe.ts';
import type { ReceivedRequest, RequestHead } from '../gateway/paid-request.ts';
import { checkSignature } from '../gateway/verify-signature.ts';
import { accountId, type Network } from '../protocol/account-id.ts';
import type { SessionRequest } from '../protocol/account/session.ts';
import { type VerifiedSignature, verifySignature } from '../protocol/http-signature.ts';
import {
  AGENT_SESSION_HEADER,
  parseAgentSession,
  sessionDigest,
  sessionWindow,
  type SignedSession,
} from '../protocol/intent/agent-session.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import type { AdminContext } from './handler.ts';
import type { Signer } from './signer.ts';

/** The tool that an intent for the session itself names. */
export const sessionTool = (act: 'show' | 'end', method: 'GET' | 'DELETE'): Tool =>
  managementTool({ id: `countersign.session.${act}`, method, path: '/session', maxBodyBytes: 0 });

/** A request that the key of a session signed, not yet admitted by the wallet's account. */
export type SessionRead = {
  readonly signer: Signer;
  readonly received: ReceivedRequest;
  readonly request: SessionRequest;
  /** When the session expires. */
  readonly until: Seconds;
};

/**
 * Authenticates a request by its session (docs/wire-format.md §21): the wallet signed the session, and the session's key signed exactly this
 * request. Cheapest checks first. The caller must still ask the wallet's account, which knows ended sessions and used signatures.
 */
export const authenticateSession = async (
  context: AdminContext,
  tool: Tool,
  request: Request,
  head: RequestHead,
): Promise<Result<SessionRead, Reason>> => {
  const parsed = parseAgentSession(request.headers.get(AGENT_SESSION_HEADER) ?? '');
  if (!parsed.ok) return parsed;
  const now = nowSeconds();
  const signer = checkSession(context, parsed.value, head, now);
  if (!signer.ok) return signer;
  const received = await observeBody(request, tool, head);
  if (!received.ok) return received;
  const signed = await checkRequest(parsed.value, request, received.value, now);
  if (!signed.ok) return signed;
  const { key, validAfter, validBefore } = parsed.value.session;
  const { nonce, created, until } = signed.value;
  return ok({
    signer: signer.value,
    received: received.value,
    request: { key, begun: Number(validAfter), nonce, created, until },
    until: Number(validBefore),
  });
};

/** Asks the wallet's account. Any error is a refusal. */
export const admitSession = async (
  context: AdminContext,
  { signer, request }: SessionRead,
): Promise<Result<undefined, Reason>> => {
  const by = accountId(signer.network, signer.payer);
  try {
    const { verdict } = await context.account(by).admitSession(request);
    switch (verdict) {
      case 'admitted':
        return ok(undefined);
      case 'ended':
        return err({ reason: 'session_ended' });
      case 'repeat':
      case 'again':
        return err({ reason: 'session_repeat' });
      case 'unavailable':
    }
  } catch (cause) {
    console.error({ event: 'session_unknown', account: by, cause: String(cause) });
  }
  return err({ reason: 'storage_unavailable' });
};

const field = (name: string): string => `${AGENT_SESSION_HEADER}.${name}`;

const invalid = (name: string, detail: string): Result<never, Reason> =>
  err({ reason: 'invalid_session', field: name, detail });

/** Checks times, origin and network, then the wallet's signature without asking the chain. */
const checkSession = (
  { config }: AdminContext,
  { chainId, session, signature }: SignedSession,
  { audience }: RequestHead,
  now: Seconds,
): Result<Signer, Reason> => {
  const network: Network = `eip155:${chainId}`;
  const token = config.payees.has(network) ? tokenOf(network) : undefined;
  if (token === undefined) {
    return invalid(field('chainId'), 'The session is not for a network of this gateway.');
  }
  if (session.audience !== audience) {
    return invalid(field('session.audience'), 'The session is for another gateway.');
  }
  switch (sessionWindow(session, now)) {
    case 'too_long':
      return invalid(field('session.validBefore'), 'The session is longer than eight hours.');
    case 'not_yet_valid':
      return invalid(field('session.validAfter'), 'The session begins later.');
    case 'expired':
      return err({ reason: 'session_ended' });
    case 'valid':
  }
  const digest = sessionDigest(session, chainId);
  const checked = checkSignature(session.account, digest, signature, field('signature'));
  return checked.ok
    ? ok({
        ...{ kind: 'session', network, payer: session.account, token },
        // There is no token nonce: the gateway asks the chain only about the wallet.
        ...{ call: digest, digest, signature, signatureField: field('signature') },
        ...{ signedByKey: checked.value, validBefore: Number(session.validBefore) },
      })
    : checked;
};

/** Checks that the session's key signed exactly this request (RFC 9421, the profile of docs/signer.md with its own tag). */
const checkRequest = async (
  { session }: SignedSession,
  { method, headers }: Request,
  { audience, target, body }: ReceivedRequest,
  now: Seconds,
): Promise<Result<VerifiedSignature, Reason>> => {
  const key = await publicKey(bytesOf(session.key));
  if (key === undefined) return invalid(field('session.key'), 'The key is no Ed25519 public key.');
  const verified = await verifySignature(
    { method, targetUri: audience + target, headers, body: body ?? new Uint8Array() },
    {
      keyOf: (keyId) => (keyId === key.id ? key.key : undefined),
      tag: 'countersign-session',
      now,
    },
  );
  return verified.ok ? verified : invalid(verified.error.field, verified.error.detail);
};

const publicKey = async (
  raw: Uint8Array,
): Promise<{ readonly key: CryptoKey; readonly id: string } | undefined> => {
  try {
    const x = encodeBase64Url(raw);
    const key = await crypto.subtle.importKey(
      'raw',
      raw as Uint8Array<ArrayBuffer>,
      'Ed25519',
      true,
      ['verify'],
    );
    return { key, id: await thumbprint(x) };
  } catch {
    return undefined;
  }
};
