import type { Signal } from '@preact/signals';
import { advance, type Purchasing } from '../../data/money/credit-purchases.ts';
import { decimalOf } from '../../format/amount.ts';
import { momentOf } from '../../format/time.ts';
import { endOf, type KeptPurchase } from '../../payment/kept-purchase.ts';
import { repeatPurchase } from '../../payment/purchase-repeat.ts';
import { browserPlace } from '../../session/browser-tabs.ts';
import { wallets } from '../../session/wallets.ts';
import { Notice } from '../notice.tsx';
import { PurchaseStage } from './purchase-stage.tsx';

/**
 * A signed purchase whose outcome is unknown. Until the outcome is known, it can only be repeated, and the account cannot buy other credit.
 */
export const LostPurchase = ({
  kept,
  purchase,
  onClose,
}: {
  readonly kept: KeptPurchase;
  readonly purchase: Signal<Purchasing>;
  readonly onClose: () => void;
}) => {
  const state = purchase.value;
  const ask = (): void => {
    const place = { gateway: location.origin, ...browserPlace };
    void advance(purchase, kept.account, kept.amount, async (onStage) =>
      repeatPurchase(kept, { wallets: wallets.value, onStage }, place),
    );
  };
  return (
    <>
      <Notice tone="warn">
        <p>
          You signed a payment of {decimalOf(kept.amount)} USDC at {momentOf(kept.at)}, and its end
          is not known. The money may have moved, or may still move until{' '}
          {momentOf(endOf(kept.proof))}.
        </p>
        <p>
          “Ask again” sends the same signed payment, which moves money at most once. After its end,
          the page also reads from the chain whether the money moved. This browser signs no other
          purchase for this account until the end of this one is known.
        </p>
      </Notice>
      {state.is === 'lost' && state.fault !== undefined ? (
        <Notice tone="bad">{state.fault.text}</Notice>
      ) : null}
      <PurchaseStage state={state} account={kept.account} />
      <div class="acts">
        <button type="button" onClick={onClose}>
          Close
        </button>
        <button type="button" class="primary" disabled={state.is === 'asking'} onClick={ask}>
          {state.is === 'asking' ? 'Asking the gateway' : 'Ask again'}
        </button>
      </div>
    </>
  );
};
