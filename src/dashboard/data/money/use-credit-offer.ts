import { useEffect, useState } from 'preact/hooks';
import type { AccountId, Network } from '../../../protocol/account-id.ts';
import { networkIn } from '../../format/text.ts';
import { type CreditTerms, readCreditTerms } from '../../payment/credit-terms.ts';
import type { PaymentFault } from '../../payment/payment-fault.ts';
import { readPublicTools } from '../tools/public-tools.ts';
import { type CreditBounds, creditBounds, presetsWithin } from './credit-bounds.ts';

/** What the gateway offers for credit; `fault`: why a wallet cannot buy any here. */
export type CreditOffer =
  | { readonly is: 'reading' }
  | { readonly is: 'refused'; readonly fault: PaymentFault }
  | ({ readonly is: 'offered' } & CreditTerms & CreditBounds);

const readOfferFor = async (account: AccountId, signal: AbortSignal): Promise<CreditOffer> => {
  const bounds = creditBounds(await readPublicTools(signal).catch(() => []));
  const [amount = bounds.least] = presetsWithin(bounds);
  const network = networkIn(account) as Network;
  const order = { gateway: location.origin, network, account, amount };
  const terms = await readCreditTerms(order);
  return terms.ok
    ? { is: 'offered', ...terms.value, ...bounds }
    : { is: 'refused', fault: terms.error };
};

/** Reads the offer once, when the dialog opens: what it shows is what the wallet may sign. */
export const useCreditOffer = (account: AccountId): CreditOffer => {
  const [offer, setOffer] = useState<CreditOffer>({ is: 'reading' });
  useEffect(() => {
    const abort = new AbortController();
    void readOfferFor(account, abort.signal).then((read) => {
      if (!abort.signal.aborted) setOffer(read);
    });
    return () => abort.abort();
  }, [account]);
  return offer;
};
