import { createAgent } from '../client/agent.ts';
import type { Shelf } from '../client/shelf.ts';
import type { Signer } from '../client/signer.ts';
import { nowSeconds } from '../core/clock.ts';
import type { Address } from '../core/hex.ts';
import { assetOf, type ChosenWallet } from '../dashboard/payment/chosen-wallet.ts';
import { keptName } from '../dashboard/session/wallet.ts';
import type { PaymentRecord } from './payment-record.ts';

/** The means of a payment. */
export type PaymentOptions = ChosenWallet & {
  /** Origin of the gateway. */
  readonly gateway: string;
  readonly shelf: Shelf;
};

/**
 * An agent of the client that pays at most the price on the page.
 *
 * @param keep called with the record of a payment before its signature leaves the page
 * @param onWait called when the call begins to wait for a person
 */
export const payingAgent = (
  signer: Signer,
  options: PaymentOptions,
  price: bigint,
  keep: (record: PaymentRecord) => Promise<unknown>,
  onWait: () => void = () => undefined,
) =>
  createAgent({
    account: signer,
    // The price on the page is the cap: a gateway that asks for more gets no signature.
    // A wallet would show two prompts for an approval of Permit2; the page promises one signature.
    spend: { perCall: price, total: price, assets: [assetOf(options.on)], upto: false },
    approval: 'wait',
    hooks: {
      onSign: async ({ call, amount, pays }) => {
        const { wallet, on } = options;
        const payer = signer.address.toLowerCase() as Address;
        await keep({
          at: nowSeconds(),
          wallet: keptName(wallet),
          payer,
          network: on,
          call,
          amount,
          pays,
        });
        options.onStage('answer');
      },
      onApproval: () => {
        onWait();
        options.onStage('approval');
      },
    },
  });
