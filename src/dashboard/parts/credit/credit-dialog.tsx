import { useEffect, useId, useMemo } from 'preact/hooks';
import type { AccountId } from '../../../protocol/account-id.ts';
import { purchaseFor, type Purchasing } from '../../data/money/credit-purchases.ts';
import { addressIn, shortened } from '../../format/text.ts';
import { useModal } from '../modal.ts';
import { CreditBought } from './credit-bought.tsx';
import { CreditForm } from './credit-form.tsx';
import { LostPurchase } from './lost-purchase.tsx';
import '../act-dialog.css';

export type CreditDialogProps = {
  /** CAIP-10: the account that gets the credit. */
  readonly account: string;
  /** As the page shows the account; undefined for the reader’s own. */
  readonly name: string | undefined;
  /** Called when the credit has arrived, so that the page reads it. */
  readonly onBought: () => void;
  readonly onClose: () => void;
};

const TITLES: Readonly<Record<Purchasing['is'], string>> = {
  reading: 'Buy credit',
  open: 'Buy credit',
  asking: 'Buy credit',
  lost: 'Unfinished purchase',
  bought: 'Credit bought',
};

/**
 * Buys credit with a wallet. A purchase continues when the dialog is opened again: the wallet may still ask, and an unfinished purchase can
 * only be repeated.
 */
export const CreditDialog = ({ account, name, onBought, onClose }: CreditDialogProps) => {
  const { ref, onClose: closed, leave } = useModal('Buy credit', onClose);
  const titleId = useId();
  const purchase = useMemo(() => purchaseFor(account as AccountId), [account]);
  const state = purchase.value;
  const kept = state.is === 'lost' || state.is === 'asking' ? state.kept : undefined;
  useEffect(() => {
    if (state.is === 'bought') onBought();
    if (state.is !== 'open' && state.is !== 'reading')
      ref.current?.querySelector<HTMLElement>('h2')?.focus();
  }, [state.is]);
  return (
    <dialog ref={ref} aria-labelledby={titleId} onClose={closed}>
      <h2 id={titleId} tabIndex={-1}>
        {TITLES[kept === undefined ? state.is : 'lost']}
        {name === undefined ? '' : ` for ${name}`}
      </h2>
      {name === undefined ? null : (
        <p class="muted">
          Account <code title={account}>{shortened(addressIn(account))}</code>
        </p>
      )}
      {state.is === 'reading' ? null : state.is === 'bought' ? (
        <CreditBought bought={state.bought} onClose={leave} />
      ) : kept === undefined ? (
        <CreditForm
          account={account as AccountId}
          name={name}
          purchase={purchase}
          onClose={leave}
        />
      ) : (
        <LostPurchase kept={kept} purchase={purchase} onClose={leave} />
      )}
    </dialog>
  );
};
