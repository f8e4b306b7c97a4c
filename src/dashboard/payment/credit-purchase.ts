import { contextOf } from '../../client/agent-options.ts';
import { call } from '../../client/call.ts';
import { CountersignError } from '../../client/errors.ts';
import type { Attempt, Keeping } from '../../client/outbox.ts';
import type { Proof } from '../../client/proof.ts';
import type { Signer } from '../../client/signer.ts';
import { topUpRequest } from '../../client/top-up-request.ts';
import { nowSeconds } from '../../core/clock.ts';
import type { Address } from '../../core/hex.ts';
import { err, ok } from '../../core/result.ts';
import { accountId, type AccountId, type Network } from '../../protocol/account-id.ts';
import { networkName } from '../../protocol/network-name.ts';
import { shortened } from '../format/text.ts';
import { WalletFault } from '../session/wallet-refusal.ts';
import { keptName } from '../session/wallet.ts';
import { answersPurchase, boughtCredit } from './bought-credit.ts';
import { amountText, assetOf, type ChosenWallet, connect, tooLittle } from './chosen-wallet.ts';
import { refusedOffer } from './credit-terms.ts';
import {
  endOf,
  type KeptPurchase,
  NO_STORAGE,
  purchaseKey,
  purchasesIn,
  requireStorage,
} from './kept-purchase.ts';
import { openPurchase, refusalOf, refusedPurchase } from './open-purchase.ts';
import { faultOf, type PaymentFault, unpaid } from './payment-fault.ts';
import type { Outcome } from './purchase-outcome.ts';
import { decided, elsewhere, type PurchaseOptions, repeat, undecided } from './purchase-repeat.ts';
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
): Promise<Outcome> => {
  try {
    const signer = await connect(wallet);
    const account = agreed.account ?? accountId(wallet.on, signer.address);
    const now = options.client?.now ?? nowSeconds;
    const asked = { wallets: [wallet.wallet], onStage: wallet.onStage };
    const sent = await purchasesIn(options).once<Outcome>(purchaseKey(account), {
      again: async (kept) => await repeat(kept, asked, options),
      first: async (keep) => {
        await requireStorage(options.shelf);
        const payer = signer.address.toLowerCase() as Address;
        if (agreed.payer !== undefined && agreed.payer !== payer)
          return decided(err(otherPayer(payer)));
        const fault = await tooLittle(wallet, payer, agreed.amount);
        if (fault !== undefined) return decided(err(fault));
        return await purchase({ ...agreed, account, payer }, keep, signer, wallet, options);
      },
    });
    if (sent.is === 'answered') return sent.answer;
    if (sent.is === 'elsewhere') return err(elsewhere());
    await requireStorage(options.shelf);
    return err(await refuseUnreadable(options.shelf, account, wallet, now()));
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
  keepIn: (purchase: KeptPurchase) => Promise<Keeping>,
  signer: Signer,
  { wallet, on, onStage }: ChosenWallet,
  { gateway, client }: PurchaseOptions,
): Promise<Attempt<Outcome>> => {
  const now = client?.now ?? nowSeconds;
  let kept: KeptPurchase | undefined;
  let changed: PaymentFault | undefined;
  const keep = async (proof: Proof): Promise<void> => {
    if (now() >= proof.until) throw new WalletFault(TOO_LATE);
    const next = { at: now(), wallet: keptName(wallet), payer, account, amount, proof };
    const keeping = await keepIn(next);
    if (keeping === 'taken') throw new WalletFault(OPEN);
    if (keeping === 'denied') throw new WalletFault(NO_STORAGE);
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
    if (kept === undefined) return decided(err(await refusedOffer(response, on)));
    const { transaction } = response.countersign;
    // Attack: a gateway may refuse a payment and present it later. Only the answer to the purchase ends it; a refusal does not.
    if (!(await answersPurchase(response, kept))) {
      const { problem } = response.countersign;
      return undecided(refusalOf({ problem, response }, endOf(kept.proof)));
    }
    return decided(ok(boughtCredit(kept, transaction)));
  } catch (thrown) {
    if (kept === undefined) {
      return decided(err(changed ?? faultOf(thrown, attempted(amount, on), false)));
    }
    return undecided(
      thrown instanceof CountersignError && thrown.code === 'payment_refused'
        ? refusedPurchase(thrown.message, endOf(kept.proof))
        : openPurchase(),
    );
  }
};

const OPEN = {
  text: 'Another purchase for this account has no answer yet.',
  hint: 'Open this dialog again, and ask for that answer first.',
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
