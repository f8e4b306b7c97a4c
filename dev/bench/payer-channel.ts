import { computeChannelId, signVoucher } from '@x402/evm/batch-settlement/client';
import type { Channel } from '@x402/evm/batch-settlement/server';
import { base64Json, type BenchAgent, type Offer, PRICE } from './signing.ts';
import { bytesToHex, getAddress } from 'viem';
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';

/** A payer's channel of scheme `batch-settlement`. */
export type PayerChannel = {
  /** The channel in the server's store. */
  readonly stored: Channel;
  /** Signs the next payment. Each voucher promises one price more, so vouchers must arrive in sequence. */
  readonly pay: () => Promise<string>;
};

const DAY_MS = 86_400_000;
const BALANCE = 1_000_000_000_000n;
const SALT = `0x${'00'.repeat(32)}` as const;

/** Builds a funded channel without a deposit: the bench has no contract. */
const storedChannel = (
  { address }: PrivateKeyAccount,
  { accepts: [accepted] }: Offer,
): Channel & { readonly channelId: `0x${string}` } => {
  const channelConfig = {
    payer: address,
    payerAuthorizer: address,
    receiver: getAddress(accepted.payTo),
    receiverAuthorizer: accepted.extra?.['receiverAuthorizer'] as `0x${string}`,
    token: getAddress(accepted.asset),
    withdrawDelay: Number(accepted.extra?.['withdrawDelay']),
    salt: SALT,
  };
  return {
    channelId: computeChannelId(channelConfig, accepted.network),
    channelConfig,
    chargedCumulativeAmount: '0',
    signedMaxClaimable: '0',
    signature: '0x',
    balance: BALANCE.toString(),
    totalClaimed: '0',
    withdrawRequestedAt: 0,
    refundNonce: 0,
    // The server reads the chain again when this is five minutes old.
    onchainSyncedAt: Date.now() + DAY_MS,
    lastRequestTimestamp: Date.now(),
  };
};

/** Opens a channel for an agent. */
export const openChannel = ({ key }: BenchAgent, offer: Offer): PayerChannel => {
  const [accepted] = offer.accepts;
  const account = privateKeyToAccount(bytesToHex(key));
  const stored = storedChannel(account, offer);
  let promised = 0n;
  return {
    stored,
    pay: async () => {
      promised += PRICE;
      const { channelId, channelConfig } = stored;
      const amount = promised.toString();
      const voucher = await signVoucher(account, channelId, amount, accepted.network);
      return base64Json({
        x402Version: 2,
        resource: offer.resource,
        accepted,
        payload: { type: 'voucher', channelConfig, voucher },
      });
    },
  };
};
