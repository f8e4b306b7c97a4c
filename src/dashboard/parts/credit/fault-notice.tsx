import type { PaymentFault } from '../../payment/payment-fault.ts';
import { Notice } from '../notice.tsx';

/** Why nothing was bought, and what to do. */
export const FaultNotice = ({ fault }: { readonly fault: PaymentFault }) => (
  <Notice tone="bad">
    <p>{fault.text}</p>
    {fault.hint === '' ? null : <p>{fault.hint}</p>}
  </Notice>
);
