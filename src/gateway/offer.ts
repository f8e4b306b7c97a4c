import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config.ts';
import { problem, problemOf } from '../core/problem.ts';
import {
  encodePaymentRequired,
  type Offer,
  PAYMENT_REQUIRED_HEADER,
  paymentRequiredBody,
} from '../x402/offer.ts';
import { offeredExtensions } from '../x402/extensions.ts';
import { offersOf } from './offers.ts';
import { paywallPage } from './page.ts';

/**
 * The 402: one answer for both versions of x402, v2 in its header and v1 in the body (design §4.3), and a page for a person who
 * opened the address in a browser. Also an RFC 9457 problem, so that a client of neither reads what to do.
 */
export const offer = (config: Config, tool: Tool, request: Request): Response => {
  const [first, ...rest] = offersOf(config, tool);
  if (first === undefined) return problem({ reason: 'internal' });
  const url = new URL(request.url);
  const made: Offer = {
    resource: {
      // The audience, never the Host header: what a client is told to pay for is what we check (design §4.1).
      url: `${config.audiences[0]}${url.pathname}${url.search}`,
      description: tool.description,
      mimeType: tool.mimeType,
    },
    error: 'Payment required',
    requirements: [first, ...rest],
    extensions: offeredExtensions,
  };
  const headers = {
    'Cache-Control': 'no-store',
    [PAYMENT_REQUIRED_HEADER]: encodePaymentRequired(made),
  };
  if (wantsPage(request)) {
    const page = paywallPage({ tool, offer: made });
    return new Response(page.html, {
      status: 402,
      headers: { ...headers, ...page.headers, 'Content-Type': 'text/html; charset=utf-8' },
    });
  }
  const { members } = problemOf({ reason: 'payment_required' });
  return Response.json({ ...members, ...paymentRequiredBody(made) }, { status: 402, headers });
};

/** The 401 for a free tool: how to prove a key (design §4.4). */
export const challenge = (config: Config): Response =>
  problem({
    reason: 'intent_required',
    audience: config.audiences[0],
    networks: config.networks,
  });

/** A person in a browser, by the same rule as the reference server (x402 facts 1.1). */
const wantsPage = (request: Request): boolean =>
  (request.headers.get('Accept') ?? '').includes('text/html') &&
  (request.headers.get('User-Agent') ?? '').includes('Mozilla');
