import { Id } from '../dashboard/parts/id.tsx';
import type { Wallet } from '../dashboard/session/wallet.ts';
import { FileLink } from './file-link.tsx';
import type { PaymentRecord } from './payment-record.ts';
import { useSettlement } from './settlement.tsx';

/** The state of the money, the signed receipt, and the call id. */
export const ReceiptView = ({
  record,
  wallet,
}: {
  readonly record: PaymentRecord;
  readonly wallet: Wallet | undefined;
}) => {
  const { call, outcome } = record;
  const receipt = outcome?.receipt;
  const money = useSettlement(record, wallet);
  return (
    <dl class="receipt">
      {money === undefined ? null : (
        <div>
          <dt>Money</dt>
          <dd>{money}</dd>
        </div>
      )}
      <div>
        <dt>Call</dt>
        <dd>
          <Id text={call} label="the id of the call" />
        </dd>
      </div>
      {receipt === undefined ? null : (
        <div>
          <dt>Receipt</dt>
          <dd>
            {receipt.why === undefined
              ? 'Verified: the gateway signed what you asked, what it answered and what it charged. '
              : `Not valid: ${receipt.why}. `}
            <FileLink
              bytes={new TextEncoder().encode(receipt.token)}
              name={`receipt-${call.slice(2, 10)}.jws`}
            >
              Download
            </FileLink>{' '}
            <Id text={receipt.token} label="the receipt" />
          </dd>
        </div>
      )}
    </dl>
  );
};
