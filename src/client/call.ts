import { ZERO_ADDRESS } from '../core/hex.ts';
import { networkFor, readChallenge } from './challenge.ts';
import { consent } from './consent.ts';
import { mustServe, type Context } from './context.ts';
import { CountersignError } from './errors.ts';
import { callFromCredit } from './from-credit.ts';
import { signIntent, windowAt } from './intent-proof.ts';
import { choose } from './offer-choice.ts';
import type { Outgoing } from './outgoing.ts';
import { signPayment } from './payment-proof.ts';
import { conclude, present, type Presented } from './present.ts';
import type { Proof } from './proof.ts';
import { readOffer, type ReceivedOffer } from './received-offer.ts';
import { unsignedReport, withReport, type AgentResponse } from './report.ts';
import { send } from './send.ts';

/** What one call may cost, and how it may be paid. */
export type Terms = {
  readonly perCall: bigint;
  /** `intent`: only a payment that is bound to this request. */
  readonly binding: 'any' | 'intent';
  /** `credit`: from credit where it covers the price, else by payment. */
  readonly from: 'credit' | 'payment';
};

export type Called = { readonly response: AgentResponse; readonly proof?: Proof };

/**
 * One call: unsigned first, so that the server says what it wants, then signed for exactly what it said, at most once as a payment.
 * Where an earlier offer is remembered and credit covers it, the unsigned request is saved.
 */
export const call = async (context: Context, outgoing: Outgoing, terms: Terms): Promise<Called> => {
  outgoing.signal?.throwIfAborted();
  const rules = { ...context.rules, perCall: terms.perCall };
  const known = terms.from === 'credit' ? context.memory.offerOf(outgoing) : undefined;
  if (known !== undefined) {
    const presented = await callFromCredit(context, outgoing, known, rules);
    if (presented !== undefined) return presented;
  }
  const response = await ask(context, outgoing);
  if (response.status === 401) return await identify(context, outgoing, response);
  if (response.status !== 402) return await unsigned(context, response);
  mustBeHere(outgoing, response);
  const received = await readOffer(response, context.timeoutMs);
  const offer =
    terms.from === 'credit' && rules.onlyCredit === true
      ? { ...received, creditOnly: true }
      : received;
  if (offer.binding !== undefined) {
    context.memory.keepBindingOffered(outgoing.origin);
    mustServe(context, outgoing.origin, offer.binding.audience, response);
    if (terms.from === 'credit') {
      context.memory.keepOffer(outgoing, offer);
      const presented = await callFromCredit(context, outgoing, offer, rules);
      if (presented !== undefined) {
        letGo(response);
        return presented;
      }
    }
  } else if (context.memory.hasOfferedBinding(outgoing.origin)) {
    throw new CountersignError(
      'binding_downgraded',
      `${outgoing.origin} offered to bind payments before, and this 402 does not: a payment for it could be used for another call.`,
      { response },
    );
  } else if (terms.binding === 'intent') {
    throw new CountersignError(
      'binding_unavailable',
      'The offer has no extension agent-intent of version 1.',
      { response },
    );
  }
  return await pay(context, outgoing, offer, terms, response);
};

/** The first request, without a signature: it may follow redirects, as the caller said. */
const ask = async (context: Context, outgoing: Outgoing): Promise<Response> => {
  try {
    return await send(context, outgoing, {}, async (response) => await Promise.resolve(response));
  } catch (cause) {
    if (outgoing.signal?.aborted === true) throw cause;
    throw new CountersignError('unreachable', `${outgoing.origin} could not be reached.`, {
      cause,
    });
  }
};

/** Nobody reads an answer that was only a question: unread, it would keep its connection. */
const letGo = ({ body }: Response): void => {
  void body?.cancel().catch(() => undefined);
};

/** An offer from where a redirect led is another server's: what would be signed is not what was called. */
const mustBeHere = ({ url }: Outgoing, response: Response): void => {
  const end = response.url === '' ? url : response.url.replace(/#.*$/, '');
  if (!response.redirected && end === url) return;
  throw new CountersignError(
    'redirected',
    'The request was redirected to a server that wants a signature.',
    { response },
  );
};

const unsigned = async ({ timeoutMs }: Context, response: Response): Promise<Called> => ({
  response: withReport(response, await unsignedReport(response, timeoutMs)),
});

/** Answers a 401 with an intent that lets nobody take anything (design §4.4), once. */
const identify = async (
  context: Context,
  outgoing: Outgoing,
  response: Response,
): Promise<Called> => {
  const challenge = await readChallenge(response, context.timeoutMs);
  if (challenge === undefined) return await unsigned(context, response);
  mustBeHere(outgoing, response);
  mustServe(context, outgoing.origin, challenge.audience, response);
  letGo(response);
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
  return await conclude(context, outgoing, proof, await present(context, outgoing, proof));
};

const pay = async (
  context: Context,
  outgoing: Outgoing,
  offer: ReceivedOffer,
  terms: Terms,
  response: Response,
): Promise<Presented> => {
  const rules = { ...context.rules, perCall: terms.perCall };
  const chosen = choose(offer, rules, ({ amount }) => context.budget.takePayment(amount));
  if (!chosen.ok) {
    const { code, detail, requirement } = chosen.error;
    throw new CountersignError(code, detail, {
      response,
      ...(requirement === undefined ? {} : { offer: requirement }),
    });
  }
  const choice = chosen.value;
  // Only credit pays here, and the intent for it was not taken: a payment would be signed for nothing.
  if (offer.creditOnly) {
    choice.hold.giveBack();
    throw new CountersignError('credit_refused', 'The server took no intent for its own offer.', {
      response,
      offer: choice.requirement,
    });
  }
  letGo(response);
  const proof = await consent(context, outgoing, choice.hold, {
    offered: {
      requirement: choice.requirement,
      paysFrom: 'payment',
      binding: offer.binding === undefined ? 'none' : 'intent',
    },
    sign: () => signPayment(context, outgoing, offer, choice),
  });
  return await conclude(context, outgoing, proof, await present(context, outgoing, proof));
};
