import { Link } from 'wouter-preact';
import { explorerLink } from '../../../protocol/explorer.ts';
import { networkName } from '../../../protocol/network-name.ts';
import { useStanding } from '../../data/accounts/use-standing.ts';
import { decimalOf } from '../../format/amount.ts';
import { networkIn } from '../../format/text.ts';
import type { BoughtCredit } from '../../payment/bought-credit.ts';
import { assetOf } from '../../payment/chosen-wallet.ts';
import { self } from '../../session/session.ts';
import { Amount } from '../amount.tsx';
import { Facts } from '../facts.tsx';
import { Id } from '../id.tsx';
import type { Network } from '../../../protocol/account-id.ts';

/** A successful purchase: the new credit of the account, and the state of the payment. */
export const CreditBought = ({
  bought,
  onClose,
}: {
  readonly bought: BoughtCredit;
  readonly onClose: () => void;
}) => {
  const { account, payer, call, amount, transaction } = bought;
  const network = networkIn(account) as Network;
  const asset = assetOf(network);
  const credit = useStanding(account).data?.money.find((each) => each.asset === asset)?.credit;
  // Only the account of a call and its ancestors may see its story.
  const isShown = payer === self.value || payer === account;
  const link = transaction && explorerLink(network, transaction);
  return (
    <>
      <p role="status">
        You bought {decimalOf(amount)} USDC of credit on {networkName(network)}. The money has
        moved, and the credit pays for the next call.
      </p>
      <Facts
        facts={[
          ['Credit now', credit === undefined ? '–' : <Amount atomic={credit} asset={asset} />],
          [
            'Payment',
            isShown ? (
              <Link href={`/calls/${payer}/${call}`}>See the payment</Link>
            ) : (
              <Id text={call} label="the id of the payment" />
            ),
          ],
          [
            'Transaction',
            transaction === undefined ? undefined : (
              <>
                <Id text={transaction} label="the transaction hash" />
                {link === undefined ? null : (
                  <>
                    {' '}
                    <a href={link} target="_blank" rel="noopener noreferrer">
                      explorer
                    </a>
                  </>
                )}
              </>
            ),
          ],
        ]}
      />
      <div class="acts">
        <button type="button" class="primary" onClick={onClose}>
          Close
        </button>
      </div>
    </>
  );
};
