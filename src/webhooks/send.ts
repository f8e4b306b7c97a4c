import type { Seconds } from '../core/clock.ts';
import { type EgressReach, readEgressUrl } from '../protocol/egress-url.ts';
import { encodeBase64, utf8 } from '../crypto/bytes.ts';
import type { Signer } from '../crypto/signer.ts';
import type { WebhookEvent } from './message.ts';

const TIMEOUT_MS = 10_000;
/** Bytes of an answer that are read, so that the connection can be reused. They are discarded: the text is untrusted. */
const MAX_ANSWER = 4_096;

/** Why the attempt got no valid answer. `redirect` has a status; `address`: the configuration forbids the URL. */
export type DeliveryFault = 'timeout' | 'connection' | 'redirect' | 'address';

/** The result of one attempt. */
export type Sent = {
  readonly status?: number;
  readonly fault?: DeliveryFault;
  readonly ms: number;
};

export type SendDeps = {
  readonly signer: Signer;
  readonly reach: EgressReach;
};

/** Posts an event once, signed for this attempt (Standard Webhooks, Ed25519 as `v1a`). Never throws. */
export const send = async (
  deps: SendDeps,
  address: string,
  event: WebhookEvent,
  now: Seconds,
): Promise<Sent> => {
  const began = Date.now();
  // Checked at each attempt: the URL may have been stored under another configuration.
  const url = readEgressUrl(address, deps.reach);
  if (!url.ok) return { fault: 'address', ms: 0 };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(url.value, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Countersign-Webhooks/1',
        ...(await signed(deps.signer, event, now)),
      },
      body: event.body,
      // A redirect could lead to a forbidden address (CWE-918).
      redirect: 'manual',
      cache: 'no-store',
      signal,
    });
    await drain(response, signal);
    const { status } = response;
    const redirected = status >= 300 && status < 400;
    return { status, ...(redirected ? { fault: 'redirect' } : {}), ms: Date.now() - began };
  } catch {
    return { fault: signal.aborted ? 'timeout' : 'connection', ms: Date.now() - began };
  }
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
