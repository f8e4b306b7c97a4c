import { Notice } from './notice.tsx';

/** For an owner without credit, whose agents can only make paid calls with money of their own. */
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
