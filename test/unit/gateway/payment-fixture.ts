import type { Tool } from '../../../src/catalog/tool.ts';
import type { Result } from '../../../src/core/result.ts';
import { checkPayment } from '../../../src/gateway/check.ts';
import type { CheckedProof, ReceivedRequest } from '../../../src/gateway/paid-request.ts';
import { type ProofFault, readProof } from '../../../src/gateway/proof.ts';
import type { Reason } from '../../../src/protocol/problem/reason.ts';
import vectors from '../../vectors/countersign-v1.json';
import { observe, toolOf } from './fixture.ts';
import { NOW, paymentHeader, translate, vectorConfig } from './signing.ts';

export const enrich = toolOf({
  id: 'enrich',
  method: 'POST',
  path: '/tools/enrich',
  price: 20_000n,
});
const put = { ...translate, method: 'PUT' };
export const config = vectorConfig([translate, put, enrich]);

export const { request: published, intent, payment } = vectors.paid;

export const see = async (
  change: { url?: string; method?: string; contentType?: string; body?: string } = {},
): Promise<ReceivedRequest> => {
  const { url, method, contentType, body } = { ...published, ...change };
  const seen = await observe(
    new Request(url, { method, body, headers: { 'Content-Type': contentType } }),
    config,
  );
  if (!seen.ok) throw new Error(seen.error.reason);
  return seen.value.received;
};

/** The published payment with these changes. */
export const vector = (
  changes: {
    readonly intent?: Record<string, string> | undefined;
    readonly nonce?: string;
    readonly signature?: string;
  } = {},
) => ({
  x402Version: 2,
  accepted: {
    scheme: 'exact',
    network: 'eip155:84532',
    amount: '20000',
    asset: intent.asset,
    payTo: intent.payTo,
    maxTimeoutSeconds: 3600,
    extra: { name: 'USDC', version: '2' },
  },
  payload: {
    signature: changes.signature ?? payment.signature,
    authorization: {
      ...payment.authorization,
      nonce: changes.nonce ?? payment.authorization.nonce,
    },
  },
  ...('intent' in changes && changes.intent === undefined
    ? {}
    : { extensions: { 'agent-intent': { info: { intent: changes.intent ?? intent } } } }),
});

export type Outcome = Result<CheckedProof, Reason | ProofFault>;

export const check = (
  payload: unknown,
  observed: ReceivedRequest,
  tool: Tool = translate,
  now = NOW,
): Outcome => {
  const claimed = readProof(new Headers(paymentHeader(payload)));
  if (!claimed.ok) return claimed;
  if (claimed.value.kind !== 'payment') throw new Error('is a payment');
  return checkPayment(config, tool, observed, claimed.value.payload, now);
};

/** Tells whether the payment is accepted. A signature that only a contract could accept does not count. */
export const isAccepted = (result: Outcome): boolean =>
  result.ok && result.value.signedByKey && result.value.execute;
export const fieldOf = (result: Outcome): unknown =>
  result.ok || !('field' in result.error) ? undefined : result.error.field;

export const ROOT = 'PAYMENT-SIGNATURE.extensions.agent-intent.info.intent';
