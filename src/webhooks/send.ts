import type { Seconds } from '../core/clock.ts';
import { type EgressReach, readEgressUrl } from '../protocol/egress-url.ts';
import { encodeBase64, utf8 } from '../crypto/bytes.ts';
import type { Signer } from '../crypto/signer.ts';
import type { DeliveryFault } from './deliveries.ts';
import type { WebhookEvent } from './message.ts';

const TIMEOUT_MS = 10_000;
/** What is read of an answer, so that the connection can serve again. Nothing of it is kept: it is a stranger's text. */
const MAX_ANSWER = 4_096;

/** What came of sending once. */
export type Sent = {
  readonly status?: number;
  readonly fault?: DeliveryFault;
  readonly ms: number;
};

export type SendDeps = {
  readonly signer: Signer;
  readonly reach: EgressReach;
};

/** Posts an event once, signed for this attempt (Standard Webhooks, Ed25519: `v1a`). Never throws. */
export const send = async (
  deps: SendDeps,
  address: string,
  event: WebhookEvent,
  now: Seconds,
): Promise<Sent> => {
  const began = Date.now();
  // Checked again at each attempt: the URL may have been stored by another release, or under another configuration.
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
      // A redirect could lead to an address that nobody has looked at.
      redirect: 'manual',
      cache: 'no-store',
      signal,
    });
    await skim(response, signal);
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

/** Reads the beginning of an answer and lets go of the rest. Its status has decided already. */
const skim = async ({ body }: Response, signal: AbortSignal): Promise<void> => {
  if (body === null) return;
  const reader = body.getReader();
  let left = MAX_ANSWER;
  try {
    while (left > 0 && !signal.aborted) {
      const { done, value } = await reader.read();
      if (done) return;
      left -= value.byteLength;
    }
    await reader.cancel();
  } catch {
    // It broke off, or trickled until the time was over.
  }
};
