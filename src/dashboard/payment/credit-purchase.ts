import { contextOf } from '../../client/agent-options.ts';
import { call } from '../../client/call.ts';
import type { Proof } from '../../client/proof.ts';
import type { Signer } from '../../client/signer.ts';
import { topUpRequest } from '../../client/top-up-request.ts';
import { nowSeconds } from '../../core/clock.ts';
import type { Address } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { accountId, type AccountId, type Network } from '../../protocol/account-id.ts';
import { networkName } from '../../protocol/network-name.ts';
import { shortened } from '../format/text.ts';
import { answersPurchase, type BoughtCredit, boughtCredit } from './bought-credit.ts';
import { amountText, assetOf, type ChosenWallet, connect, tooLittle } from './chosen-wallet.ts';
import { refusedOffer } from './credit-terms.ts';
import { forgetPurchase, keepPurchase, type KeptPurchase, readPurchase } from './kept-purchase.ts';
import {
  faultOf,
  type PaymentFault,
  refusalFault,
  unclearPurchase,
  unpaid,
} from './payment-fault.ts';
import { type PurchaseOptions, repeatPurchase } from './purchase-repeat.ts';

/** The terms that a person agreed to. */
export type Agreed = {
  /** Atomic units. */
  readonly amount: bigint;
  /** The account that gets the credit. Absent: the account of the wallet. */
  readonly account?: AccountId;
  /** The payer, as the page showed it. Absent: the account that the wallet names. */
  readonly payer?: Address;
  /** The payee, as the page showed it. Absent: the payee that the gateway names. */
  readonly payTo?: Address;
};

/**
 * Buys credit at the gateway with one signature, which is bound to this purchase. While the answer to an earlier purchase for the same
 * account is missing, it sends that one again instead.
 */
export const buyCredit = async (
  agreed: Agreed,
  wallet: ChosenWallet,
  options: PurchaseOptions,
): Promise<Result<BoughtCredit, PaymentFault>> => {
  try {
    const signer = await connect(wallet);
    const account = agreed.account ?? accountId(wallet.on, signer.address);
    const kept = readPurchase(options.shelf, account);
    if (kept !== undefined) return await repeatPurchase(kept, wallet, options);
    const payer = signer.address.toLowerCase() as Address;
    if (agreed.payer !== undefined && agreed.payer !== payer) return err(otherPayer(payer));
    const fault = await tooLittle(wallet, payer, agreed.amount);
    if (fault !== undefined) return err(fault);
    return await purchase({ ...agreed, account, payer }, signer, wallet, options);
  } catch (thrown) {
    return err(faultOf(thrown, attempted(agreed.amount, wallet.on), false));
  }
};

const attempted = (amount: bigint, on: Network) => ({
  price: amountText(amount),
  network: networkName(on),
});

/** The page showed another account, or none: a person must know which one pays before it signs. */
const otherPayer = (payer: Address): PaymentFault => ({
  ...unpaid(
    `The wallet would pay from the account ${shortened(payer)}, which this dialog did not show. Nothing was paid.`,
    'The dialog shows it now. Buy again to pay from it, or choose another account in the wallet.',
  ),
  payer,
});

type Order = Agreed & { readonly account: AccountId; readonly payer: Address };

const purchase = async (
  { amount, account, payer, payTo }: Order,
  signer: Signer,
  { wallet, on, onStage }: ChosenWallet,
  { gateway, shelf, client }: PurchaseOptions,
): Promise<Result<BoughtCredit, PaymentFault>> => {
  let kept: KeptPurchase | undefined;
  let changed: PaymentFault | undefined;
  let isRepeated = false;
  const keep = (proof: Proof): void => {
    const next = { at: nowSeconds(), wallet: wallet.id, payer, account, amount, proof };
    keepPurchase(shelf, next);
    kept = next;
    onStage('answer');
  };
  const payees = payTo === undefined ? {} : { payees: [payTo] };
  const failed = (fault: PaymentFault): Result<BoughtCredit, PaymentFault> => {
    if (kept === undefined) return err(fault);
    // A repeat may meet the payment of an attempt that the gateway had taken: its refusal ends nothing.
    if (fault.kind !== 'unpaid' || isRepeated) return err(unclearPurchase());
    forgetPurchase(shelf, kept);
    return err(fault);
  };
  try {
    const context = contextOf({
      ...client,
      account: signer,
      // What the page showed is the cap: a gateway that asks for more, or for another payee, gets no signature.
      spend: { perCall: amount, total: amount, assets: [assetOf(on)], ...payees },
      hooks: {
        onOffer: ({ requirement }) => {
          if (requirement.amount === amount) return true;
          changed = otherAmount(requirement.amount, amount);
          return false;
        },
        onRetry: () => {
          isRepeated = true;
        },
      },
    });
    const outgoing = await topUpRequest(gateway, amount, account);
    const terms = { perCall: amount, binding: 'intent', from: 'payment', keep } as const;
    const { response } = await call(context, outgoing, terms);
    if (kept === undefined) return err(await refusedOffer(response, on));
    const { transaction } = response.countersign;
    if (!response.ok) return failed(refusalFault(response.countersign, response.status));
    if (!(await answersPurchase(response, kept))) return err(unclearPurchase());
    forgetPurchase(shelf, kept);
    return ok(boughtCredit(kept, transaction));
  } catch (thrown) {
    return failed(changed ?? faultOf(thrown, attempted(amount, on), kept !== undefined));
  }
};

const otherAmount = (asked: bigint, shown: bigint): PaymentFault =>
  unpaid(
    `The gateway asks for ${amountText(asked)}, and this page showed ${amountText(shown)}. Nothing was paid.`,
    'Reload the page to see what the gateway offers now.',
  );
