import { nowSeconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountId, AssetId } from '../protocol/account-id.ts';
import { RECEIPT_TYPE, receiptClaims, type ReceiptClaims } from '../protocol/receipt.ts';
import type { Gateway } from './gateway.ts';

/** The call of a receipt: reserved just now, or a past call as its account reports it. */
type ReceiptCall = {
  readonly audience: string;
  readonly account: AccountId;
  readonly tool: string;
  readonly call: Hex;
  readonly request: Hex;
  readonly asset: AssetId;
};

/** The end of the call, as its account reports it, with the tool's status and the digest of its answer. */
type ReceiptOutcome = {
  readonly binding: ReceiptClaims['binding'];
  readonly charged: bigint;
  readonly entry: Hex;
  readonly policy: Hex;
  readonly status: number;
  readonly response: ReceiptClaims['response'];
};

/** Signs the header `Agent-Receipt`: the gateway's statement about an ended call. */
export const receiptHeader = async (
  { signer }: Gateway,
  call: ReceiptCall,
  outcome: ReceiptOutcome,
): Promise<{ readonly 'Agent-Receipt': string }> => {
  const claims = receiptClaims(
    {
      iss: call.audience,
      agent: call.account,
      tool: call.tool,
      call: call.call,
      request: call.request,
      binding: outcome.binding,
      charged: outcome.charged,
      asset: call.asset,
      status: outcome.status,
      response: outcome.response,
      entry: outcome.entry,
      policy: outcome.policy,
    },
    nowSeconds(),
  );
  return { 'Agent-Receipt': await signer.sign(claims, RECEIPT_TYPE) };
};
