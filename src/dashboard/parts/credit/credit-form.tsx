import type { Signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { type Address, ZERO_ADDRESS } from '../../../core/hex.ts';
import type { AccountId, Network } from '../../../protocol/account-id.ts';
import { amountProblem } from '../../data/money/credit-bounds.ts';
import { advance, type Purchasing } from '../../data/money/credit-purchases.ts';
import { decimalOf, atomicIn } from '../../format/amount.ts';
import { networkIn } from '../../format/text.ts';
import { buyCredit } from '../../payment/credit-purchase.ts';
import { browserPlace } from '../../session/browser-tabs.ts';
import { session } from '../../session/session.ts';
import type { WalletChoice } from '../../session/wallet.ts';
import { walletNamed, wallets } from '../../session/wallets.ts';
import { type CreditOffer, readCreditOffer } from '../../data/money/credit-offer.ts';
import type { PaymentFault } from '../../payment/payment-fault.ts';
import { useCheckedForm } from '../checked-form.ts';
import { Notice } from '../notice.tsx';
import { AmountField } from './amount-field.tsx';
import { CreditAgreement } from './credit-agreement.tsx';
import { PurchaseStage } from './purchase-stage.tsx';
import { WalletField } from './wallet-field.tsx';

/** Why nothing was bought, and the next step. */
const FaultNotice = ({ fault }: { readonly fault: PaymentFault }) => (
  <Notice tone="bad">
    <p>{fault.text}</p>
    {fault.hint === '' ? null : <p>{fault.hint}</p>}
  </Notice>
);

/** Reads the offer once, when the dialog opens, so that the wallet signs exactly what the dialog shows. */
const useCreditOffer = (account: AccountId): CreditOffer | { readonly is: 'reading' } => {
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

/** The wallet that signed in, which pays unless a person chooses another one. */
const signedIn = (): WalletChoice | undefined => {
  const current = session.value;
  return current.state === 'in' ? current.session.wallet : undefined;
};

/** The form of a purchase: the amount, who pays whom, and what the wallet will ask. */
export const CreditForm = ({
  account,
  name,
  purchase,
  onClose,
}: {
  readonly account: AccountId;
  /** As the page shows the account; undefined for the reader’s own. */
  readonly name: string | undefined;
  readonly purchase: Signal<Purchasing>;
  readonly onClose: () => void;
}) => {
  const offer = useCreditOffer(account);
  const [typed, setTyped] = useState('5');
  const [chosen, setChosen] = useState(() => walletNamed(signedIn()?.id ?? '')?.id);
  const [payer, setPayer] = useState<Address | undefined>(signedIn()?.address);
  const { ref, isTried, refuse } = useCheckedForm<HTMLFormElement>();
  const state = purchase.value;
  const isAsking = state.is === 'asking';
  const fault = state.is === 'open' ? state.fault : undefined;
  useEffect(() => {
    if (fault?.payer !== undefined) setPayer(fault.payer);
  }, [fault]);

  if (offer.is === 'reading') return <p role="status">Reading what the gateway offers…</p>;
  if (offer.is === 'refused') {
    return (
      <>
        <FaultNotice fault={offer.fault} />
        <div class="acts">
          <button type="button" onClick={onClose}>
            Close
          </button>
        </div>
      </>
    );
  }
  // A purchase in progress keeps its own amount, whatever this dialog would start with.
  const text = isAsking ? decimalOf(state.amount).replaceAll(',', '') : typed;
  const problem = amountProblem(text, offer);
  const amount = atomicIn(text) ?? 0n;
  const wallet = wallets.value.find(({ id }) => id === chosen);

  const buy = (): void => {
    if (problem !== undefined || wallet === undefined) {
      refuse();
      return;
    }
    const agreed = { amount, account, payer: payer ?? ZERO_ADDRESS, payTo: offer.payTo };
    const place = { gateway: location.origin, ...browserPlace };
    const on = networkIn(account) as Network;
    void advance(purchase, account, amount, async (onStage) =>
      buyCredit(agreed, { wallet, on, onStage }, place),
    );
  };
  const offered = problem === undefined ? `Buy ${decimalOf(amount)} USDC of credit` : 'Buy credit';
  const asking =
    state.is === 'asking' && state.stage === 'answer' ? 'Waiting' : 'Confirm in the wallet';
  const verb = isAsking ? asking : offered;
  const choose = (id: string): void => {
    setChosen(id);
    setPayer(id === signedIn()?.id ? signedIn()?.address : undefined);
  };
  return (
    <form
      ref={ref}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        buy();
      }}
    >
      <p>
        {name === undefined
          ? 'Your credit pays for your calls, and for those of your agents that have no money of their own.'
          : `This credit pays for the calls of ${name}, and for those of the agents below it.`}
      </p>
      <fieldset class="content" disabled={isAsking}>
        <AmountField bounds={offer} text={text} error={problem} onType={setTyped} />
        <WalletField
          chosen={chosen}
          error={isTried && wallet === undefined ? 'Choose a wallet.' : undefined}
          onChoose={choose}
        />
      </fieldset>
      <CreditAgreement account={account} payer={payer} payTo={offer.payTo} />
      {fault === undefined ? null : <FaultNotice fault={fault} />}
      <PurchaseStage state={state} account={account} />
      <div class="acts">
        <button type="button" onClick={onClose}>
          {isAsking ? 'Close' : 'Cancel'}
        </button>
        <button type="submit" class="primary" disabled={isAsking}>
          {verb}
        </button>
      </div>
    </form>
  );
};
