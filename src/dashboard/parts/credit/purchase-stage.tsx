import { networkName } from '../../../protocol/network-name.ts';
import { networkIn } from '../../format/text.ts';
import type { Purchasing } from '../../data/money/credit-purchases.ts';
import type { Stage } from '../../payment/chosen-wallet.ts';

const WORDS: Readonly<Record<Stage, (network: string) => string>> = {
  account: () => 'Open the wallet and choose the account that pays.',
  network: (network) => `Open the wallet and switch it to ${network}.`,
  signature: () => 'Open the wallet and confirm the payment.',
  answer: () => 'Signed. The gateway moves the money now, which takes some seconds.',
  approval: () => 'A person must approve this payment.',
  'look-up': () => 'Open the wallet and confirm the look-up, which costs nothing.',
};

/** The current step of a purchase, read aloud when it changes. */
export const PurchaseStage = ({
  state,
  account,
}: {
  readonly state: Purchasing;
  readonly account: string;
}) => (
  <p role="status">
    {state.is === 'asking' ? WORDS[state.stage](networkName(networkIn(account))) : ''}
  </p>
);
