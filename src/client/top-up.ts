import { accountId, parseAccountId, type AccountId } from '../protocol/account-id.ts';
import { call } from './call.ts';
import type { AgentContext } from './context.ts';
import { creditKey } from './credit.ts';
import { CountersignError } from './errors.ts';
import { creditIn } from './limits.ts';
import { readOutgoing } from './outgoing.ts';
import { isFromAudience } from './present.ts';
import type { AgentResponse } from './call-report.ts';
import { addressOf } from './signer.ts';

/**
 * Buys credit with `POST <gateway>/credits?amount=<atomic units>`. The caller chose the amount, so it replaces the cap per call. The
 * budget counts it now, and not again when calls spend the credit.
 *
 * @param to the account that receives the credit, if not this one; the agent then signs only a payment that is bound to this request
 */
export const topUp = async (
  context: AgentContext,
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
  // Appended unencoded: a query may contain colons, and the signed form must be the sent form.
  if (to !== undefined) url.search += `&account=${to}`;
  const outgoing = await readOutgoing(url.href, { method: 'POST', redirect: 'manual' });
  const { response, proof } = await call(context, outgoing, {
    perCall: amount,
    binding: to === undefined ? 'any' : 'intent',
    from: 'payment',
  });
  const own = proof && accountId(proof.network, addressOf(context.signer));
  if (proof?.gateway !== undefined && (to === undefined || to === own)) {
    const key = creditKey(proof.gateway.audience, proof.asset);
    const { charged } = response.countersign;
    if (isFromAudience(outgoing, proof, response.countersign)) {
      context.budget.addPrepaid(key, charged);
    }
    if (creditIn(response.headers) === undefined) context.credit.add(key, charged);
  }
  return response;
};
