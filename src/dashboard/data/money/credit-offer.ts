import type { AccountId, Network } from '../../../protocol/account-id.ts';
import { networkIn } from '../../format/text.ts';
import { type CreditTerms, readCreditTerms } from '../../payment/credit-terms.ts';
import type { PaymentFault } from '../../payment/payment-fault.ts';
import { withTimeout } from '../gateway/request-timeout.ts';
import { readPublicTools } from '../tools/public-tools.ts';
import { type CreditBounds, creditBounds, presetsWithin } from './credit-bounds.ts';

/** The gateway's offer for credit; `fault`: why a wallet cannot buy any here. */
export type CreditOffer =
  | { readonly is: 'refused'; readonly fault: PaymentFault }
  | ({ readonly is: 'offered' } & CreditTerms & CreditBounds);

/** Reads the offer for credit of an account. @param gateway its origin */
export const readCreditOffer = async (
  account: AccountId,
  gateway: string,
  signal: AbortSignal,
): Promise<CreditOffer> => {
  const bounds = creditBounds(await withTimeout(signal, readPublicTools).catch(() => []));
  const [amount = bounds.least] = presetsWithin(bounds);
  const order = { gateway, network: networkIn(account) as Network, account, amount };
  const terms = await withTimeout(signal, async (within) => readCreditTerms(order, within));
  return terms.ok
    ? { is: 'offered', ...terms.value, ...bounds }
    : { is: 'refused', fault: terms.error };
};
