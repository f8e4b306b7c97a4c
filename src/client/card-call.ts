import * as z from 'zod/mini';
import { isAddress } from '../core/hex.ts';
import { parseAddress } from '../crypto/address.ts';
import { formatDollars, parseAmount } from '../protocol/amount.ts';
import { USD, USD_ADDRESS } from '../protocol/fiat-asset.ts';
import type { Requirement } from '../protocol/x402/requirement.ts';
import type { Budget, Hold } from './budget.ts';
import { type Challenge, networkFor } from './challenge.ts';
import type { AgentContext } from './context.ts';
import { CountersignError, type ErrorCode, isProblem } from './errors.ts';
import { consent } from './hooks.ts';
import { isRecord, readJsonBody } from './json.ts';
import type { Outgoing } from './outgoing.ts';
import { completeCall, isFromAudience, presentAndComplete } from './present.ts';
import { signIntent, windowAt } from './proof.ts';
import type { SignedResult } from './signed-result.ts';

const MAX_BODY = 65_536;
const MAX_PAYEES = 64;

const price = z.looseObject({
  asset: z.literal(USD),
  amount: z.string().check(z.refine((text) => parseAmount(text) !== undefined)),
  payees: z
    .record(z.string(), z.string().check(z.refine((text) => parseAddress(text) !== undefined)))
    .check(z.refine((all) => Object.keys(all).length <= MAX_PAYEES)),
});

/**
 * Makes a call that a card of the operator pays (docs/wire-format.md §20), within `spend.card`: a budget of its own, which is never added to
 * that of tokens. The intent names the currency, so no server can take a token for it.
 *
 * @throws CountersignError `asset_not_allowed` without `spend.card`; `challenge_malformed`, `payee_not_allowed`, `over_per_call`,
 *   `over_total`; the errors of `present`
 */
export const callByCard = async (
  context: AgentContext,
  outgoing: Outgoing,
  challenge: Challenge,
  response: Response,
): Promise<SignedResult> => {
  const requirement = await requirementOf(context, challenge, response);
  const refuse = (code: ErrorCode, detail: string): CountersignError =>
    new CountersignError(code, detail, { response, offer: requirement });
  const { amount, payTo, network } = requirement;
  const dollars = formatDollars(amount);
  const { card, rules } = context;
  if (card === undefined) {
    throw refuse(
      'asset_not_allowed',
      `The tool costs ${dollars} from a card, and the option spend.card allows none.`,
    );
  }
  if (rules.payees?.has(payTo) === false) {
    throw refuse('payee_not_allowed', `The tool is sold by ${payTo}.`);
  }
  if (amount > card.perCall) {
    const cap = formatDollars(card.perCall);
    throw refuse('over_per_call', `The price is ${dollars}; the cap per card call is ${cap}.`);
  }
  const taken = card.budget.takePayment(amount);
  if (!taken.ok) {
    const left = formatDollars(taken.error.remaining);
    throw refuse('over_total', `The price is ${dollars}; ${left} of spend.card.total remains.`);
  }
  void response.body?.cancel().catch(() => undefined);
  const hold = taken.value;
  // From here on, every charge counts in the budget of cards.
  const within: AgentContext = { ...context, budget: card.budget };
  const proof = await consent(within, outgoing, hold, {
    offered: { requirement, paysFrom: 'card', binding: 'intent' },
    sign: () =>
      signIntent(context.signer, outgoing, network, {
        audience: challenge.audience,
        tool: challenge.tool,
        payTo,
        asset: USD_ADDRESS,
        maxAmount: amount,
        ...windowAt(context.now(), challenge.longest),
        authority: context.authority,
      }),
  });
  return await presentAndComplete(within, outgoing, proof, {
    complete: async (result) => {
      let isOpen = false;
      const completed = await completeCall(within, outgoing, proof, result, (charged) => {
        if (isOpen) recount(card.budget, hold, charged);
      });
      isOpen = !completed.isEnded;
      if (isOpen) return completed;
      const report = completed.response.countersign;
      // Only the audience can state that it charged less. After an unclear answer it may still charge, so the whole amount stays counted.
      if (isFromAudience(outgoing, proof, report)) {
        if (isProblem(result.problem, 'denied')) hold.giveBack();
        else if (completed.response.ok) recount(card.budget, hold, report.charged);
      }
      return completed;
    },
    neverRan: () => {
      if (isFromAudience(outgoing, proof)) hold.giveBack();
    },
  });
};

/** Replaces the signed amount by the charged amount. Synchronous, so that no parallel call takes the difference twice. */
const recount = (budget: Budget, hold: Hold, charged: bigint): void => {
  hold.giveBack();
  budget.takePayment(charged);
};

/** The price in the form of an offer, for hooks and errors: its `asset` is the address of the currency. */
const requirementOf = async (
  { rules, timeoutMs }: AgentContext,
  challenge: Challenge,
  response: Response,
): Promise<Requirement> => {
  const body = await readJsonBody(response, MAX_BODY, timeoutMs);
  const parsed = price.safeParse(isRecord(body) ? body['price'] : undefined);
  if (!parsed.success) {
    throw new CountersignError('challenge_malformed', 'The challenge names no valid price.', {
      response,
    });
  }
  const { amount, payees } = parsed.data;
  const sold = challenge.networks.filter((each) => payees[each] !== undefined);
  const [first, ...more] = sold;
  const network = first && networkFor({ ...challenge, networks: [first, ...more] }, rules.assets);
  const payTo = network && parseAddress(payees[network] ?? '');
  if (network === undefined || payTo === undefined || !isAddress(payTo)) {
    throw new CountersignError(
      'challenge_malformed',
      'The price names no payee on a known chain.',
      {
        response,
      },
    );
  }
  return {
    scheme: 'exact',
    network,
    amount: parseAmount(amount) ?? 0n,
    asset: USD_ADDRESS,
    payTo,
    maxTimeoutSeconds: challenge.longest,
    extra: { name: USD },
  };
};
