import { contextOf } from '../../client/agent-options.ts';
import { call } from '../../client/call.ts';
import { CountersignError } from '../../client/errors.ts';
import type { Proof } from '../../client/proof.ts';
import type { Signer } from '../../client/signer.ts';
import { topUpRequest } from '../../client/top-up-request.ts';
import { nowSeconds } from '../../core/clock.ts';
import type { Address } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { accountId, type AccountId, type Network } from '../../protocol/account-id.ts';
import { networkName } from '../../protocol/network-name.ts';
import { shortened } from '../format/text.ts';
import { WalletFault } from '../session/wallet-refusal.ts';
import { keptName } from '../session/wallet.ts';
import { answersPurchase, type BoughtCredit, boughtCredit } from './bought-credit.ts';
import { amountText, assetOf, type ChosenWallet, connect, tooLittle } from './chosen-wallet.ts';
import { refusedOffer } from './credit-terms.ts';
import {
  endOf,
  forgetPurchase,
  keepPurchase,
  type KeptPurchase,
  readPurchase,
} from './kept-purchase.ts';
import { openPurchase, refusalOf, refusedPurchase } from './open-purchase.ts';
import { faultOf, type PaymentFault, unpaid } from './payment-fault.ts';
import { type PurchaseOptions, repeatPurchase } from './purchase-repeat.ts';
import { requireStorage } from './shelf.ts';
import { refuseUnreadable } from './unreadable-purchase.ts';

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
 * Buys credit at the gateway with one signature, which is bound to this purchase. While an earlier purchase for the same account has no
 * answer, it sends that one again instead.
 */
export const buyCredit = async (
  agreed: Agreed,
  wallet: ChosenWallet,
  options: PurchaseOptions,
): Promise<Result<BoughtCredit, PaymentFault>> => {
  try {
    const signer = await connect(wallet);
    const account = agreed.account ?? accountId(wallet.on, signer.address);
    const now = options.client?.now ?? nowSeconds;
    const kept = readPurchase(options.shelf, account);
    if (kept !== undefined && kept !== 'unreadable') {
      return await repeatPurchase(
        kept,
        { wallets: [wallet.wallet], onStage: wallet.onStage },
        options,
      );
    }
    requireStorage(options.shelf);
    if (kept === 'unreadable')
      return err(await refuseUnreadable(options.shelf, account, wallet, now()));
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

/** The page showed another account, or none: a person must know which account pays before the wallet signs. */
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
  const now = client?.now ?? nowSeconds;
  let kept: KeptPurchase | undefined;
  let changed: PaymentFault | undefined;
  const keep = (proof: Proof): void => {
    if (now() >= proof.until) throw new WalletFault(TOO_LATE);
    const next = { at: now(), wallet: keptName(wallet), payer, account, amount, proof };
    keepPurchase(shelf, next);
    kept = next;
    onStage('answer');
  };
  const payees = payTo === undefined ? {} : { payees: [payTo] };
  try {
    const context = contextOf({
      ...client,
      account: signer,
      // The amount on the page is the cap: a gateway that asks for more, or for another payee, gets no signature.
      spend: { perCall: amount, total: amount, assets: [assetOf(on)], ...payees },
      hooks: {
        onOffer: ({ requirement }) => {
          if (requirement.amount === amount) return true;
          changed = otherAmount(requirement.amount, amount);
          return false;
        },
      },
    });
    const outgoing = await topUpRequest(gateway, amount, account);
    const terms = { perCall: amount, binding: 'intent', from: 'payment', keep } as const;
    const { response } = await call(context, outgoing, terms);
    if (kept === undefined) return err(await refusedOffer(response, on));
    const { transaction } = response.countersign;
    // Attack: a gateway may refuse a payment and present it later. Only the answer to the purchase ends it; a refusal does not.
    if (!(await answersPurchase(response, kept))) {
      const { problem } = response.countersign;
      return err(refusalOf({ problem, response }, endOf(kept.proof)));
    }
    forgetPurchase(shelf, kept);
    return ok(boughtCredit(kept, transaction));
  } catch (thrown) {
    if (kept === undefined) return err(changed ?? faultOf(thrown, attempted(amount, on), false));
    return err(
      thrown instanceof CountersignError && thrown.code === 'payment_refused'
        ? refusedPurchase(thrown.message, endOf(kept.proof))
        : openPurchase(),
    );
  }
};

const TOO_LATE = {
  text: 'The wallet signed so late that the payment had expired, and the page did not send it.',
  hint: 'Buy again, and confirm in the wallet within three minutes.',
};

const otherAmount = (asked: bigint, shown: bigint): PaymentFault =>
  unpaid(
    `The gateway asks for ${amountText(asked)}, and this page showed ${amountText(shown)}. Nothing was paid.`,
    'Reload the page to see what the gateway offers now.',
  );
