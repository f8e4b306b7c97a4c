import type { Signer } from '../../client/signer.ts';
import type { Address } from '../../core/hex.ts';
import { decimalOf } from '../format/amount.ts';
import { chooseAccount, switchTo, walletSigner } from '../session/wallet-signer.ts';
import type { Wallet } from '../session/wallet.ts';
import { assetId, chainIdOf, type Network } from '../../protocol/account-id.ts';
import { networkName } from '../../protocol/network-name.ts';
import { tokenOf } from '../../protocol/x402/networks.ts';
import { type PaymentFault, unpaid } from './payment-fault.ts';
import { readBalance } from './token-reads.ts';

/** The current step of a payment, for the person who waits. */
export type Stage = 'account' | 'network' | 'signature' | 'answer' | 'approval' | 'look-up';

/** A wallet that a person chose, and the network to pay on. */
export type ChosenWallet = {
  readonly wallet: Wallet;
  readonly on: Network;
  readonly onStage: (stage: Stage) => void;
};

/** An amount of atomic units as `0.01 USDC`. */
export const amountText = (atomic: bigint): string => `${decimalOf(atomic)} USDC`;

/** Asks the wallet for an account on the right network. @throws what the wallet throws */
export const connect = async ({ wallet, on, onStage }: ChosenWallet): Promise<Signer> => {
  onStage('account');
  const address = await chooseAccount(wallet.provider);
  onStage('network');
  await switchTo(wallet.provider, chainIdOf(on) ?? 0);
  const signer = walletSigner(wallet.provider, address);
  return {
    address,
    signTypedData: async (data) => {
      onStage('signature');
      return await signer.signTypedData(data);
    },
  };
};

/** Explains before the signature that the wallet has too little: the gateway would refuse the payment. */
export const tooLittle = async (
  { wallet, on }: ChosenWallet,
  payer: Address,
  price: bigint,
): Promise<PaymentFault | undefined> => {
  const balance = await readBalance(wallet.provider, on, payer);
  if (balance === undefined || balance >= price) return undefined;
  const name = networkName(on);
  return unpaid(
    `The account ${payer} has ${amountText(balance)} on ${name}; this costs ${amountText(price)}. Nothing was paid.`,
    `Send USDC to the account on ${name}, then try again. It needs no other coin: the gateway pays the network.`,
  );
};

/** The only token that the page pays with on a network. */
export const assetOf = (on: Network): string => assetId(on, tokenOf(on)?.address ?? '0x');
