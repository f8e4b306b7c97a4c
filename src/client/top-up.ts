import { accountId, parseAccountId, type AccountId } from '../protocol/account-id.ts';
import { call } from './call.ts';
import type { Context } from './context.ts';
import { placeOf } from './credit.ts';
import { CountersignError } from './errors.ts';
import { creditIn } from './limits.ts';
import { readOutgoing } from './outgoing.ts';
import { isHoldersWord } from './present.ts';
import type { AgentResponse } from './report.ts';
import { addressOf } from './signer.ts';

/**
 * Pays an amount ahead by `POST <gateway>/credits?amount=<atomic>`. The amount is the caller's own word, so the cap per call is
 * that amount; the total counts it now, and calls paid from it later are not counted again.
 *
 * @param to the account that gets the credit, if not this one; then only a payment bound to this request is signed
 */
export const topUp = async (
  context: Context,
  gateway: string,
  amount: bigint,
  to: AccountId | undefined,
): Promise<AgentResponse> => {
  if (!URL.canParse(gateway) || amount === 0n || (to !== undefined && !parseAccountId(to))) {
    throw new CountersignError(
      'options_invalid',
      'topUp takes an origin, an amount above zero and a CAIP-10 account in lower case',
    );
  }
  const url = new URL('/credits', gateway);
  url.searchParams.set('amount', amount.toString());
  // Colons stand for themselves in a query: one form for what is signed and what is sent.
  if (to !== undefined) url.search += `&account=${to}`;
  const outgoing = await readOutgoing(url.href, { method: 'POST', redirect: 'manual' });
  const { response, proof } = await call(context, outgoing, {
    perCall: amount,
    binding: to === undefined ? 'any' : 'intent',
    from: 'payment',
  });
  const own = proof && accountId(proof.network, addressOf(context.signer));
  if (proof?.gateway !== undefined && (to === undefined || to === own)) {
    const place = placeOf(proof.gateway.audience, proof.asset);
    const { charged } = response.countersign;
    if (isHoldersWord(outgoing, proof, response.countersign))
      context.budget.prepaid(place, charged);
    if (creditIn(response.headers) === undefined) context.credit.add(place, charged);
  }
  return response;
};
