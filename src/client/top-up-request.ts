import { type AccountId, parseAccountId } from '../protocol/account-id.ts';
import { CountersignError } from './errors.ts';
import { type Outgoing, readOutgoing } from './outgoing.ts';

/**
 * Builds `POST <gateway>/credits?amount=<atomic units>`, which buys credit. The same arguments build the same request.
 *
 * @param to the account that receives the credit, if it is named
 * @throws CountersignError `options_invalid`
 */
export const topUpRequest = async (
  gateway: string,
  amount: bigint,
  to: AccountId | undefined,
): Promise<Outgoing> => {
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
  return await readOutgoing(url.href, { method: 'POST', redirect: 'manual' });
};
