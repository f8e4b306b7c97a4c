import { ZERO_ADDRESS } from '../core/hex.ts';
import { type AgentResponse, unsignedReport, withFinal, withReport } from './call-report.ts';
import { networkFor, readChallenge } from './challenge.ts';
import { type AgentContext, requireAudience } from './context.ts';
import { CountersignError } from './errors.ts';
import { callFromCredit } from './from-credit.ts';
import { consent } from './hooks.ts';
import { choose } from './offer-choice.ts';
import type { Outgoing } from './outgoing.ts';
import { signPayment } from './payment-proof.ts';
import { presentAndComplete } from './present.ts';
import type { SignedResult } from './signed-result.ts';
import { type Proof, signIntent, windowAt } from './proof.ts';
import { readOffer, type ReceivedOffer } from './received-offer.ts';
import { send } from './transport.ts';

/** The cap of one call, and how the agent may pay it. */
export type Terms = {
  /** Atomic units. */
  readonly perCall: bigint;
  /** `intent`: only with a payment that is bound to this request. */
  readonly binding: 'any' | 'intent';
  /** `credit`: from credit if it covers the price, otherwise with a payment. */
  readonly from: 'credit' | 'payment';
  /** Called with a payment before it leaves the client. If it throws, the payment does not leave. */
  readonly keep?: (proof: Proof) => Promise<void>;
};

export type CallResult = { readonly response: AgentResponse; readonly proof?: Proof };

/**
 * Makes one call: first unsigned, so that the server states its terms, then signed for exactly those terms, with at most one payment.
 * Skips the unsigned request if a remembered offer and credit suffice.
 */
export const call = async (
  context: AgentContext,
  outgoing: Outgoing,
  terms: Terms,
): Promise<CallResult> => {
  outgoing.signal?.throwIfAborted();
  const rules = { ...context.rules, perCall: terms.perCall };
  const known = terms.from === 'credit' ? context.memory.offerOf(outgoing) : undefined;
  if (known !== undefined) {
    const presented = await callFromCredit(context, outgoing, known, rules);
    if (presented !== undefined) return presented;
  }
  const response = await sendUnsigned(context, outgoing);
  if (response.status === 401) return await identify(context, outgoing, response);
  if (response.status !== 402) return await unsigned(context, response);
  rejectRedirected(outgoing, response);
  const received = await readOffer(response, context.timeoutMs);
  const offer =
    terms.from === 'credit' && rules.onlyCredit === true
      ? { ...received, creditOnly: true }
      : received;
  if (offer.binding !== undefined) {
    context.memory.keepBindingOffered(outgoing.origin);
    requireAudience(context, outgoing.origin, offer.binding.audience, response);
    if (terms.from === 'credit') {
      context.memory.keepOffer(outgoing, offer);
      const presented = await callFromCredit(context, outgoing, offer, rules);
      if (presented !== undefined) {
        discard(response);
        return presented;
      }
    }
  } else if (context.memory.hasOfferedBinding(outgoing.origin)) {
    throw new CountersignError(
      'binding_downgraded',
      `${outgoing.origin} offered bound payments before, and this 402 does not. An attacker could use an unbound payment for another call.`,
      { response },
    );
  } else if (terms.binding === 'intent') {
    throw new CountersignError(
      'binding_unavailable',
      'The offer lacks the extension agent-intent of version 1.',
      { response },
    );
  }
  return await pay(context, outgoing, offer, terms, response);
};

/** Sends the first request. Without a signature it may follow redirects, as the caller chose. */
const sendUnsigned = async (context: AgentContext, outgoing: Outgoing): Promise<Response> => {
  try {
    return await send(context, outgoing, {}, async (response) => await Promise.resolve(response));
  } catch (cause) {
    if (outgoing.signal?.aborted === true) throw cause;
    throw new CountersignError('unreachable', `The client cannot reach ${outgoing.origin}.`, {
      cause,
    });
  }
};

/** Cancels a body that the client does not read; otherwise it would keep its connection open. */
const discard = ({ body }: Response): void => {
  void body?.cancel().catch(() => undefined);
};

/** After a redirect, the offer is of another server, and a signature for it would not be for the called URL. */
const rejectRedirected = ({ url }: Outgoing, response: Response): void => {
  const end = response.url === '' ? url : response.url.replace(/#.*$/, '');
  if (!response.redirected && end === url) return;
  throw new CountersignError(
    'redirected',
    'The server redirected the request to a server that requests a signature.',
    { response },
  );
};

const unsigned = async ({ timeoutMs }: AgentContext, response: Response): Promise<CallResult> => ({
  response: withReport(response, withFinal(await unsignedReport(response, timeoutMs))),
});

/** Answers a 401 once, with an intent that authorizes no spending (docs/wire-format.md §8), or only that of a card tool (§20). */
const identify = async (
  context: AgentContext,
  outgoing: Outgoing,
  response: Response,
): Promise<CallResult> => {
  const challenge = await readChallenge(response, context.timeoutMs);
  if (challenge === undefined) return await unsigned(context, response);
  rejectRedirected(outgoing, response);
  requireAudience(context, outgoing.origin, challenge.audience, response);
  if (challenge.isPriced) {
    const { callByCard } = await import('./card-call.ts');
    return await callByCard(context, outgoing, challenge, response);
  }
  discard(response);
  const proof = await consent(context, outgoing, undefined, {
    sign: () =>
      signIntent(context.signer, outgoing, networkFor(challenge, context.rules.assets), {
        audience: challenge.audience,
        tool: challenge.tool,
        payTo: ZERO_ADDRESS,
        asset: ZERO_ADDRESS,
        maxAmount: 0n,
        ...windowAt(context.now(), challenge.longest),
        authority: context.authority,
      }),
  });
  return await presentAndComplete(context, outgoing, proof);
};

const pay = async (
  context: AgentContext,
  outgoing: Outgoing,
  offer: ReceivedOffer,
  terms: Terms,
  response: Response,
): Promise<SignedResult> => {
  const rules = { ...context.rules, perCall: terms.perCall };
  const chosen = choose(offer, rules, ({ scheme, amount }) =>
    scheme === 'upto' && rules.trustReceipts === true
      ? context.budget.takePermit(amount)
      : context.budget.takePayment(amount),
  );
  if (!chosen.ok) {
    const { code, detail, requirement } = chosen.error;
    throw new CountersignError(code, detail, {
      response,
      ...(requirement === undefined ? {} : { offer: requirement }),
    });
  }
  const choice = chosen.value;
  // Only credit can pay here, and the gateway debited none for the intent. A payment would buy nothing.
  if (offer.creditOnly) {
    choice.hold.giveBack();
    throw new CountersignError(
      'credit_refused',
      'The server refused an intent for its own offer.',
      {
        response,
        offer: choice.requirement,
      },
    );
  }
  discard(response);
  const proof = await consent(context, outgoing, choice.hold, {
    offered: {
      requirement: choice.requirement,
      paysFrom: 'payment',
      binding: offer.binding === undefined ? 'none' : 'intent',
    },
    sign: async () => {
      const signed = await signPayment(context, outgoing, offer, choice);
      await terms.keep?.(signed);
      return signed;
    },
  });
  if (choice.requirement.scheme !== 'upto') {
    return await presentAndComplete(context, outgoing, proof);
  }
  const { presentPermit } = await import('./present-permit.ts');
  return await presentPermit(context, outgoing, { offer, choice, proof, keep: terms.keep });
};
