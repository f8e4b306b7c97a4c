import { MAX_TOP_UP } from '../catalog/own-tool.ts';
import type { Config } from '../config.ts';
import { min } from '../protocol/amount.ts';
import { problem } from '../protocol/problem/problem.ts';
import { creditExtension, offeredExtensions } from '../protocol/x402/extensions.ts';
import {
  encodePaymentRequired,
  type Offer,
  PAYMENT_REQUIRED_HEADER,
  paymentRequiredBody,
} from '../protocol/x402/offer.ts';
import type { Errand } from './errand.ts';
import { offersOf } from './offers.ts';

/** How many calls the proposed top-up is good for. */
const CALLS_AHEAD = 10n;

/**
 * The 402: one answer for both versions of x402, v2 in its header and v1 in the body (design §4.3), and a page for a person who
 * opened the address in a browser. Also an RFC 9457 problem, so that a client of neither reads what to do.
 */
export const offer = async (config: Config, errand: Errand): Promise<Response> => {
  const { tool, head, request, topUp } = errand;
  const [first, ...rest] = offersOf(config, tool);
  if (first === undefined) return problem({ reason: 'internal' });
  const { audience } = head;
  const made: Offer = {
    resource: {
      // The audience, never the Host header: what a client is told to pay for is what we check (design §4.1).
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
    const { paywallPage } = await import('./page.ts');
    const page = paywallPage({ tool, offer: made });
    return new Response(page.html, {
      status: 402,
      headers: { ...headers, ...page.headers, 'Content-Type': 'text/html; charset=utf-8' },
    });
  }
  const { problemOf } = await import('../protocol/problem/problem-members.ts');
  const { members } = problemOf({ reason: 'payment_required', wants: wantsOf(errand) });
  return Response.json(
    {
      ...members,
      ...paymentRequiredBody(made),
      ...(topUp === undefined ? { credit: creditOf(audience, tool.price) } : {}),
    },
    { status: 402, headers },
  );
};

/** What else would pay: said beside the offer, because clients take the first entry of `accepts` (design §4.3). */
const creditOf = (audience: string, price: bigint) => ({
  top_up: `${audience}/credits?amount=${min(price * CALLS_AHEAD, MAX_TOP_UP)}`,
  hint: 'POST to top_up buys credit, in atomic units. Calls are then paid from it by an Agent-Intent, or by any payment.',
});

/** Another account's credit is bought only by a payment that commits to that account. */
const wantsOf = ({ tool, topUp }: Errand): 'payment' | 'bound_payment' | 'credit' => {
  if (topUp !== undefined) return topUp.to === undefined ? 'payment' : 'bound_payment';
  if (tool.settlement === 'credit') return 'credit';
  return tool.requireBinding === 'intent' ? 'bound_payment' : 'payment';
};

/** A person in a browser, by the same rule as the reference server (x402 facts 1.1). */
const wantsPage = (request: Request): boolean =>
  (request.headers.get('Accept') ?? '').includes('text/html') &&
  (request.headers.get('User-Agent') ?? '').includes('Mozilla');
