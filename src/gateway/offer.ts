import { MAX_TOP_UP } from '../catalog/gateway-tools.ts';
import type { Config } from '../config.ts';
import { min } from '../protocol/amount.ts';
import { problem } from '../protocol/problem/problem.ts';
import { creditExtension, offeredExtensions } from '../protocol/x402/extensions.ts';
import { encodePaymentRequired, type Offer, paymentRequiredBody } from '../protocol/x402/offer.ts';
import { PAYMENT_REQUIRED_HEADER } from '../protocol/x402/headers.ts';
import type { PaidRequest } from './paid-request.ts';
import { requirementsOf } from './requirements.ts';

/** The number of calls that the proposed top-up pays for. */
const CALLS_AHEAD = 10n;

/**
 * Answers 402 for a paid tool. One answer serves both versions of x402: v2 in its header, v1 in the body. It is also an RFC 9457 problem,
 * for clients that know neither, and a page for a person who opened the URL in a browser.
 */
export const offer = async (config: Config, paidRequest: PaidRequest): Promise<Response> => {
  const { tool, head, request, topUp } = paidRequest;
  const [first, ...rest] = requirementsOf(config, tool);
  if (first === undefined) return problem({ reason: 'internal' });
  const { audience } = head;
  const made: Offer = {
    resource: {
      // The configured audience, never the Host header: the offer names what the gateway will check.
      url: audience + head.target,
      description: tool.description,
      mimeType: tool.mimeType,
    },
    error: 'Payment required',
    requirements: [first, ...rest],
    extensions: {
      ...offeredExtensions(audience, tool.id),
      ...(topUp === undefined ? creditExtension(audience, tool.settlement) : {}),
    },
  };
  const headers = {
    'Cache-Control': 'no-store',
    [PAYMENT_REQUIRED_HEADER]: encodePaymentRequired(made),
  };
  if (wantsPage(request)) {
    const { paywallPage } = await import('./paywall-page.ts');
    const page = paywallPage({ tool, offer: made });
    return new Response(page.html, {
      status: 402,
      headers: { ...headers, ...page.headers, 'Content-Type': 'text/html; charset=utf-8' },
    });
  }
  const { problemOf } = await import('../protocol/problem/problem-members.ts');
  const { members } = problemOf({ reason: 'payment_required', wants: wantsOf(paidRequest) });
  return Response.json(
    {
      ...members,
      ...paymentRequiredBody(made),
      ...(topUp === undefined ? { credit: creditOf(audience, tool.price) } : {}),
    },
    { status: 402, headers },
  );
};

/** Describes how to pay from credit instead. Not in `accepts`, because x402 clients take its first entry. */
const creditOf = (audience: string, price: bigint) => ({
  top_up: `${audience}/credits?amount=${min(price * CALLS_AHEAD, MAX_TOP_UP)}`,
  hint: 'POST to top_up buys credit, in atomic units. An Agent-Intent, or the signature of any payment, then pays for calls from it.',
});

/** Only a payment that commits to the beneficiary buys another account's credit. */
const wantsOf = ({ tool, topUp }: PaidRequest): 'payment' | 'bound_payment' | 'credit' => {
  if (topUp !== undefined) return topUp.to === undefined ? 'payment' : 'bound_payment';
  if (tool.settlement === 'credit') return 'credit';
  return tool.requireBinding === 'intent' ? 'bound_payment' : 'payment';
};

/** Detects a browser by the same rule as the x402 reference server. */
const wantsPage = (request: Request): boolean =>
  (request.headers.get('Accept') ?? '').includes('text/html') &&
  (request.headers.get('User-Agent') ?? '').includes('Mozilla');
