import { readJsonBody } from '../../client/json.ts';
import type { Hex } from '../../core/hex.ts';
import { isObject } from '../../core/json-object.ts';
import { accountId, type AccountId } from '../../protocol/account-id.ts';
import type { KeptPurchase } from './kept-purchase.ts';

/** Credit that was bought. */
export type BoughtCredit = {
  /** Atomic units. */
  readonly amount: bigint;
  /** The account that has the credit. */
  readonly account: AccountId;
  readonly payer: AccountId;
  readonly call: Hex;
  readonly transaction?: Hex;
};

export const boughtCredit = (
  { amount, account, payer, proof }: KeptPurchase,
  transaction: Hex | undefined,
): BoughtCredit => ({
  ...{ amount, account, payer: accountId(proof.network, payer), call: proof.call },
  ...(transaction === undefined ? {} : { transaction }),
});

const MAX_BODY = 65_536;

/** Whether an answer belongs to this purchase: the page of a proxy with status 200 must not end it. */
export const answersPurchase = async (
  response: Response,
  { account, amount, proof }: KeptPurchase,
): Promise<boolean> => {
  const body = response.ok ? await readJsonBody(response, MAX_BODY) : undefined;
  return (
    isObject(body) &&
    body['payment'] === proof.call &&
    body['account'] === account &&
    body['amount'] === amount.toString()
  );
};
