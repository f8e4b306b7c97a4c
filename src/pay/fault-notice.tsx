import { decimalOf } from '../dashboard/format/amount.ts';
import { Notice } from '../dashboard/parts/notice.tsx';
import type { PaymentFault } from '../dashboard/payment/payment-fault.ts';

/**
 * Why a person has no answer, and the next step. For a tool that takes credit, a button that buys some, or that asks for the outcome of an
 * earlier purchase.
 */
export const FaultNotice = ({
  fault,
  credit,
  onBuy,
}: {
  readonly fault: PaymentFault;
  /** How much credit the button buys, in atomic units. */
  readonly credit: bigint;
  readonly onBuy: () => void;
}) => (
  <Notice tone={fault.kind === 'unpaid' ? 'bad' : 'warn'}>
    <p>{fault.text}</p>
    {fault.hint === '' ? null : <p>{fault.hint}</p>}
    {fault.kind === 'credit' || fault.kind === 'purchase' ? (
      <button type="button" onClick={onBuy}>
        {fault.kind === 'purchase' ? 'Ask again' : `Buy ${decimalOf(credit)} USDC of credit`}
      </button>
    ) : null}
  </Notice>
);
