import { Notice } from './notice.tsx';

/** An owner without credit: its agents need money of their own, or none of their calls is paid. */
export const NoCredit = ({ onBuy }: { readonly onBuy: () => void }) => (
  <Notice tone="warn">
    <p>
      <strong>You have no credit.</strong> An owner’s credit pays for the calls of its agents:
      without it, an agent without money of its own is denied every paid call.
    </p>
    <button type="button" onClick={onBuy}>
      Buy credit
    </button>
  </Notice>
);
