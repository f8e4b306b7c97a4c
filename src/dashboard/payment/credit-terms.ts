import { CountersignError, problemIn } from '../../client/errors.ts';
import { readOffer } from '../../client/received-offer.ts';
import { topUpRequest } from '../../client/top-up-request.ts';
import type { Address } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type AccountId, assetId, type Network } from '../../protocol/account-id.ts';
import { networkName } from '../../protocol/network-name.ts';
import { errorHint } from '../format/error-hint.ts';
import { assetOf } from './chosen-wallet.ts';
import { type PaymentFault, problemFault, unpaid } from './payment-fault.ts';

/** The gateway's offer for a payment that becomes credit. */
export type CreditTerms = { readonly payTo: Address };

/** The subject of a purchase. */
export type CreditOrder = {
  /** Origin of the gateway. */
  readonly gateway: string;
  readonly network: Network;
  /** The account that gets the credit. */
  readonly account: AccountId;
  /** Atomic units. */
  readonly amount: bigint;
};

/** The gateway has no offer for credit that a wallet could pay. */
export const notSold = (network: Network): PaymentFault =>
  unpaid(
    `This gateway sells no credit on ${networkName(network)}.`,
    'Ask the operator how to pay for calls.',
  );

/** A refusal of an unsigned request for credit. A gateway that does not know the route or the network sells no credit. */
export const refusedOffer = async (response: Response, network: Network): Promise<PaymentFault> => {
  const problem = await problemIn(response);
  const isUnsold = response.status === 404 || response.status === 405;
  return isUnsold || problem?.['field'] === 'account'
    ? notSold(network)
    : problemFault(problem, response.status);
};

/**
 * Reads the gateway's offer for credit, without a signature.
 *
 * @returns the offer, or why a wallet cannot buy credit here
 */
export const readCreditTerms = async (
  { gateway, network, account, amount }: CreditOrder,
  signal: AbortSignal,
  fetcher: typeof fetch = (...request) => fetch(...request),
): Promise<Result<CreditTerms, PaymentFault>> => {
  try {
    const { url, method } = await topUpRequest(gateway, amount, account);
    const response = await fetcher(url, { method, redirect: 'manual', signal });
    if (response.status !== 402) return err(await refusedOffer(response, network));
    const { entries, binding } = await readOffer(response);
    const wanted = assetOf(network);
    for (const entry of entries) {
      if (entry.kind !== 'payable' || binding === undefined) continue;
      const { requirement } = entry;
      if (assetId(requirement.network, requirement.asset) === wanted) {
        return ok({ payTo: requirement.payTo });
      }
    }
    return err(notSold(network));
  } catch (thrown) {
    return err(
      thrown instanceof CountersignError
        ? unpaid(thrown.message, errorHint(thrown))
        : unpaid('The gateway did not answer.', 'Check the connection, then try again.'),
    );
  }
};
