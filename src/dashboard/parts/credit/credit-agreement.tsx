import type { Address } from '../../../core/hex.ts';
import type { AccountId } from '../../../protocol/account-id.ts';
import { networkName } from '../../../protocol/network-name.ts';
import { addressIn, networkIn } from '../../format/text.ts';
import { Facts } from '../facts.tsx';
import { Id } from '../id.tsx';

/** The terms of a purchase: who pays whom, in which token, for which account, and what the wallet will ask. */
export const CreditAgreement = ({
  account,
  payer,
  payTo,
}: {
  readonly account: AccountId;
  /** Undefined until the wallet has named it. */
  readonly payer: Address | undefined;
  readonly payTo: Address;
}) => {
  const network = networkName(networkIn(account));
  return (
    <>
      <Facts
        facts={[
          ['Credit for', <Id text={addressIn(account)} label="the account" />],
          [
            'Paid from',
            payer === undefined ? (
              'the account that the wallet is on'
            ) : (
              <Id text={payer} label="the payer" />
            ),
          ],
          ['Paid to', <Id text={payTo} label="the payee" />],
          ['Token', `USDC on ${network}`],
        ]}
      />
      <p class="muted">
        The wallet asks for one signature, for a transfer of exactly this amount to this payee, and
        to switch to {network} first if it is elsewhere. The gateway collects the money right after
        you sign. You need no other coin: the gateway pays the network.
      </p>
    </>
  );
};
