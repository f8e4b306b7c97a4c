import type { Seconds } from '../../core/clock.ts';
import type { Address, Hex } from '../../core/hex.ts';
import { chainIdOf, type Network } from '../../protocol/account-id.ts';
import { networkName } from '../../protocol/network-name.ts';
import { type WalletRefusal, walletRefusal } from '../session/wallet-refusal.ts';
import { switchTo } from '../session/wallet-signer.ts';
import type { Wallet } from '../session/wallet.ts';
import { type OnChain, readBlock, readPayment } from './token-reads.ts';

/** A payment that a wallet has signed (EIP-3009). */
export type SignedTransfer = {
  readonly network: Network;
  readonly payer: Address;
  /** Nonce of the authorization. */
  readonly nonce: Hex;
  /** `validBefore`: no block from then on takes it. */
  readonly end: Seconds;
};

/** The final state of a payment on the chain. `open`: the nonce is unused, and a block can still include the payment. */
export type Finding =
  | OnChain
  | { readonly is: 'open' }
  | { readonly is: 'unread'; readonly why: WalletRefusal };

/** The longest validity of a payment that this page has signed, in seconds (src/client/payment-proof.ts). */
export const LONGEST_VALIDITY: Seconds = 3600;

/** A reorganisation may replace the blocks of the last minute, and take the payment in one of them. */
const REORGANISED: Seconds = 60;

/**
 * Reads from the chain whether a payment moved its money. Signs nothing, so any wallet can do this, even one other than the payer's.
 *
 * @param wallets in the order in which they are asked; the first one switches to the network
 */
export const findOnChain = async (
  { network, payer, nonce, end }: SignedTransfer,
  wallets: readonly Wallet[],
  onNetwork: () => void,
): Promise<Finding> => {
  const [first] = wallets;
  if (first === undefined) return { is: 'unread', why: NO_WALLET };
  let why = UNREAD;
  try {
    onNetwork();
    await switchTo(first.provider, chainIdOf(network) ?? 0);
  } catch (thrown) {
    why = walletRefusal(thrown, networkName(network));
  }
  for (const { provider } of wallets) {
    const block = await readBlock(provider, network);
    // Read the state at the block whose time is known. Race: another node may answer, whose newest block may be older.
    const found = block && (await readPayment(provider, network, payer, nonce, block.number));
    if (block === undefined || found === undefined) continue;
    return found.is === 'unused' && block.time < end + REORGANISED ? { is: 'open' } : found;
  }
  return { is: 'unread', why };
};

const NO_WALLET = {
  text: 'This browser has no wallet that could read whether the money moved.',
  hint: 'Turn a wallet on in the browser, then reload the page.',
};

const UNREAD = {
  text: 'The wallet cannot read whether the money moved.',
  hint: 'Check the connection of the wallet.',
};
