import { useEffect, useState } from 'preact/hooks';
import type { AccountId } from '../../../protocol/account-id.ts';
import { type CreditOffer, readCreditOffer } from './credit-offer.ts';

/** Reads the offer once, when the dialog opens: what it shows is what the wallet may sign. */
export const useCreditOffer = (account: AccountId): CreditOffer | { readonly is: 'reading' } => {
  const [offer, setOffer] = useState<CreditOffer | { readonly is: 'reading' }>({ is: 'reading' });
  useEffect(() => {
    const abort = new AbortController();
    void readCreditOffer(account, location.origin, abort.signal).then((read) => {
      if (!abort.signal.aborted) setOffer(read);
    });
    return () => abort.abort();
  }, [account]);
  return offer;
};
