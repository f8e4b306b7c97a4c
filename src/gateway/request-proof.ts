import { OWN_PATHS } from '../catalog/own-paths.ts';
import type { Config } from '../config/config.ts';
import { ZERO_ADDRESS } from '../core/hex.ts';
import { MAX_TOP_UP, min } from '../protocol/amount.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import {
  bazaarExtension,
  creditExtension,
  type Extensions,
  gasSponsoringExtension,
  offeredExtensions,
} from '../protocol/x402/extensions.ts';
import { PAYMENT_REQUIRED_HEADER } from '../protocol/x402/headers.ts';
import { encodePaymentRequired, type Offer, paymentRequiredBody } from '../protocol/x402/offer.ts';
import type { PaidRequest, RequestHead } from './paid-request.ts';
import type { NoProof, Proof } from './proof.ts';
import { type PublicTool, publicTool } from './public-tool.ts';

/**
 * Answers a caller without a usable proof: 402 with the offer of a paid tool, 401 with the challenge of a free tool or a card tool. An x402
 * client would try to pay a 402, and no token pays for a card tool. Neither answer reads the body (CWE-400).
 */
export const requestProof = async (config: Config, paidRequest: PaidRequest): Promise<Response> => {
  const { tool, head } = paidRequest;
  if (tool.settlement === 'card') {
    const { fiatChallengeOf } = await import('./fiat-challenge.ts');
    return problem(fiatChallengeOf(config, head, tool), { docs: descriptionUrl(head.audience) });
  }
  return tool.settlement === 'free' ? challenge(config, head) : offer(config, paidRequest);
};

/** Returns the proof of a request if it can pay for it; otherwise undefined, and the caller gets an offer or a challenge. */
export const usableProof = (
  { tool, topUp }: PaidRequest,
  proof: Proof | NoProof,
): Proof | undefined => {
  switch (proof.kind) {
    case 'none':
      return undefined;
    case 'intent':
      // Credit cannot buy credit.
      return topUp === undefined ? proof : undefined;
    case 'payment':
      return tool.settlement === 'free' || tool.settlement === 'card' ? undefined : proof;
  }
};

/** The number of calls that the proposed top-up pays for. */
const CALLS_AHEAD = 10n;

/**
 * Answers 402 for a paid tool. One answer serves both versions of x402: v2 in its header, v1 in the body. It is also an RFC 9457 problem,
 * for clients that know neither, and a page for a person who opened the URL in a browser.
 */
const offer = async (config: Config, paidRequest: PaidRequest): Promise<Response> => {
  const { head, request, topUp } = paidRequest;
  const tool = publicTool(config, paidRequest.tool);
  const { audience } = head;
  // The configured audience, never the Host header: the offer names what the gateway will check.
  const made = offerOf(await withRates(tool), audience + head.target, {
    ...offeredExtensions(audience, tool.id),
    ...gasSponsoringExtension(tool.requirements),
    ...(topUp === undefined ? creditExtension(audience, tool.settlement) : {}),
    ...(tool.bazaar ? bazaarExtension(head.method) : {}),
  });
  if (made === undefined) return problem({ reason: 'internal' });
  const headers = {
    'Cache-Control': 'no-store',
    [PAYMENT_REQUIRED_HEADER]: encodePaymentRequired(made),
  };
  if (wantsPage(request)) {
    const { paywallPage } = await import('./paywall-page.ts');
    const page = paywallPage({ tool, offer: made });
    return new Response(page.html, {
      status: 402,
      headers: { ...headers, ...page.headers },
    });
  }
  const { problemOf } = await import('../protocol/problem/reason.ts');
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

/** The description of a metered tool states its rates: x402 has no other place for them. */
const withRates = async (tool: PublicTool): Promise<PublicTool> => {
  if (tool.meter === undefined) return tool;
  const { describedWithRates } = await import('./metered-offer.ts');
  return describedWithRates(tool);
};

/**
 * x402 has no scheme for credit, and an intent needs the network, payee and asset of `accepts`. A plain x402 client signs that entry
 * anyway, and shows this text when the gateway refuses the payment.
 */
const CREDIT_ONLY = 'Paid from credit only: POST /credits';

/**
 * Builds the offer of a tool.
 *
 * @param url of the resource, absolute.
 * @returns undefined if no network can take its price; `parseConfig` rejects such a configuration.
 */
export const offerOf = (
  { description, mimeType, requirements, settlement }: PublicTool,
  url: string,
  extensions: Extensions,
): Offer | undefined => {
  const [first, ...rest] = requirements;
  return (
    first && {
      resource: { url, description, mimeType },
      error: settlement === 'credit' ? CREDIT_ONLY : 'Payment required',
      requirements: [first, ...rest],
      extensions,
    }
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

/**
 * Answers 401 for a free route, with a challenge that explains how to prove a key. It states the request as the gateway saw it, so that a
 * client whose proxy or library changed something sees what to sign. It states no body digest, because the gateway has not read the body.
 */
export const challenge = (config: Config, head: RequestHead): Promise<Response> =>
  problem(challengeOf(config, head), { docs: descriptionUrl(head.audience) });

/** The reason of that answer. */
export const challengeOf = (
  config: Config,
  { audience, tool, method, target, contentType }: RequestHead,
): Reason => ({
  reason: 'intent_required',
  audience,
  networks: [...config.payees.keys()],
  tool,
  intent: {
    audience,
    tool,
    method,
    target,
    contentType,
    payTo: ZERO_ADDRESS,
    asset: ZERO_ADDRESS,
    maxAmount: '0',
  },
});

/** Returns the URL of the page that explains how to sign. */
export const descriptionUrl = (audience: string): string => audience + OWN_PATHS.description;
