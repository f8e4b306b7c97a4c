import type { Seconds } from '../core/clock.ts';
import { OPERATORS_LABEL } from '../audit/account-row.ts';
import { type EgressReach, readEgressUrl } from '../protocol/egress-url.ts';
import { encodeBase64, utf8 } from '../crypto/bytes.ts';
import type { Signer } from '../crypto/signer.ts';
import { inActiveSpan } from '../tracing/trace.ts';
import { webhookName } from './document.ts';
import type { WebhookEvent } from './message.ts';
import type { OutgoingRequest } from './readable-request.ts';
import type { Webhook } from './registry.ts';
import { openSecret } from './seal.ts';

const TIMEOUT_MS = 10_000;
/** Bytes of an answer that are read, so that the connection can be reused. They are discarded: the text is untrusted. */
const MAX_ANSWER = 4_096;

/**
 * Why the attempt got no valid answer. `redirect` has a status; `address`: the configuration forbids the URL; `secret`: the webhook was
 * sealed under another RECEIPT_KEY, so write it again.
 */
export type DeliveryFault = 'timeout' | 'connection' | 'redirect' | 'address' | 'secret';

/** The result of one attempt. */
export type Sent = {
  readonly status?: number;
  readonly fault?: DeliveryFault;
  readonly ms: number;
  /** Only after a 429. */
  readonly retryAfter?: Seconds;
};

export type SendDeps = {
  readonly db: D1Database;
  readonly signer: Signer;
  /** The secret RECEIPT_KEY, under which webhooks are sealed. */
  readonly receiptKey: string;
  readonly reach: EgressReach;
};

/** Posts an event once in the form of its webhook. Never throws. */
export const send = async (
  deps: SendDeps,
  webhook: Pick<Webhook, 'scope' | 'id' | 'document'>,
  event: WebhookEvent,
  now: Seconds,
): Promise<Sent> =>
  inActiveSpan('deliver', async (span) => {
    const sent = await post(deps, webhook, event, now);
    span?.set({
      ...(sent.status === undefined ? {} : { 'http.response.status_code': sent.status }),
      ...(sent.fault === undefined ? {} : { 'error.type': sent.fault }),
    });
    return sent;
  });

const post: typeof send = async (deps, webhook, event, now) => {
  const began = Date.now();
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const request = await requestOf(deps, webhook, event, now);
    if (request === undefined) return { fault: 'secret', ms: 0 };
    // Checked at each attempt: the URL may have been stored under another configuration.
    const url = readEgressUrl(request.url, deps.reach);
    if (!url.ok) return { fault: 'address', ms: 0 };
    const response = await fetch(url.value, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Countersign-Webhooks/1',
        ...request.headers,
      },
      body: request.body,
      // A redirect could lead to a forbidden address (CWE-918).
      redirect: 'manual',
      cache: 'no-store',
      signal,
    });
    await drain(response, signal);
    const { status } = response;
    const redirected = status >= 300 && status < 400;
    const after = status === 429 ? Number(response.headers.get('retry-after')) : 0;
    return {
      status,
      ...(redirected ? { fault: 'redirect' } : {}),
      ms: Date.now() - began,
      // A date (RFC 9110 §10.2.3) is no number: the usual pause applies.
      ...(after > 0 ? { retryAfter: Math.ceil(after) } : {}),
    };
  } catch {
    // The error may hold the URL, which is a secret of Slack's webhooks: drop it (CWE-532).
    return { fault: signal.aborted ? 'timeout' : 'connection', ms: Date.now() - began };
  }
};

/** Signed JSON (Standard Webhooks, Ed25519 as `v1a`), or the body that Slack or an e-mail provider takes. */
const requestOf = async (
  { db, signer, receiptKey }: SendDeps,
  { scope, id, document }: Pick<Webhook, 'scope' | 'id' | 'document'>,
  event: WebhookEvent,
  now: Seconds,
): Promise<OutgoingRequest | undefined> => {
  const { format, url } = document;
  if (format === undefined || format === 'countersign')
    return { url, headers: await signed(signer, event, now), body: event.body };
  const secret = await openSecret(receiptKey, webhookName(scope, id), document);
  if (secret === undefined) return undefined;
  const { readableRequest } = await import('./readable-request.ts');
  return readableRequest(document, secret, event, await labelOf(db, scope, event));
};

/** An alert is still useful without the label of its account. */
const labelOf = async (
  db: D1Database,
  scope: Webhook['scope'],
  { account }: WebhookEvent,
): Promise<string | undefined> => {
  if (account === undefined) return undefined;
  const found = db
    .prepare(
      `SELECT ${scope === '*' ? OPERATORS_LABEL : 'label'} AS label FROM accounts WHERE account = ?1`,
    )
    .bind(account);
  return (await found.first<string | null>('label').catch(() => null)) ?? undefined;
};

const signed = async (
  signer: Signer,
  { id, body }: WebhookEvent,
  now: Seconds,
): Promise<Record<string, string>> => {
  const content = Uint8Array.from(utf8(`${id}.${now}.${body}`));
  const signature = encodeBase64(await signer.signBytes(content));
  return {
    'webhook-id': id,
    'webhook-timestamp': String(now),
    'webhook-signature': `v1a,${signature}`,
  };
};

/** Reads the beginning of an answer and cancels the rest. The status has already decided. */
const drain = async ({ body }: Response, signal: AbortSignal): Promise<void> => {
  if (body === null) return;
  const reader = body.getReader();
  let remaining = MAX_ANSWER;
  try {
    while (remaining > 0 && !signal.aborted) {
      const { done, value } = await reader.read();
      if (done) return;
      remaining -= value.byteLength;
    }
    await reader.cancel();
  } catch {
    // The connection broke, or trickled until the timeout.
  }
};
