import * as z from 'zod/mini';
import type { Proof } from '../../client/proof.ts';
import type { Seconds } from '../../core/clock.ts';
import type { Address } from '../../core/hex.ts';
import { decodeBase64, encodeBase64 } from '../../crypto/bytes.ts';
import { type AccountId, type Network, parseAccountId } from '../../protocol/account-id.ts';
import { parseAmount } from '../../protocol/amount.ts';
import { PAYMENT_HEADER } from '../../protocol/x402/headers.ts';
import { WalletFault } from '../session/wallet-refusal.ts';
import { assetOf } from './chosen-wallet.ts';

/** The part of `Storage` that records need. */
export type Shelf = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** The storage that all tabs share. A browser that refuses it throws with each use, not when the page opens. */
export const browserShelf: Shelf = {
  getItem: (key) => localStorage.getItem(key),
  setItem: (key, value) => localStorage.setItem(key, value),
  removeItem: (key) => localStorage.removeItem(key),
};

/** A purchase of credit that a wallet has signed and the gateway has not answered. */
export type KeptPurchase = {
  readonly at: Seconds;
  /** Id of the wallet, to ask it again. */
  readonly wallet: string;
  readonly payer: Address;
  /** The account that gets the credit. */
  readonly account: AccountId;
  /** Atomic units. */
  readonly amount: bigint;
  /** The payment to send again. */
  readonly proof: Proof;
};

/** Where a purchase for an account is kept. All tabs of the browser share it. */
export const purchaseKey = (account: string): string => `countersign-credit:${account}`;

const text = z.string().check(z.maxLength(32_768));
const amount = z.pipe(
  z.string().check(z.refine((given) => parseAmount(given) !== undefined)),
  z.transform((given: string) => BigInt(given)),
);
const secret = z.pipe(
  text.check(z.refine((given) => decodeBase64(given)?.length === 32)),
  z.transform((given: string) => decodeBase64(given)),
);

const schema = z.strictObject({
  at: z.int(),
  wallet: text,
  payer: z.string().check(z.regex(/^0x[0-9a-f]{40}$/)),
  account: z.string().check(z.refine((given) => parseAccountId(given) !== undefined)),
  amount,
  payment: text,
  secret,
  call: z.string().check(z.regex(/^0x[0-9a-f]{64}$/)),
  until: z.int(),
  audience: text,
  tool: text,
});

/**
 * Keeps a purchase before its signature leaves the page, for every tab and beyond a reload.
 *
 * @throws WalletFault if the browser stores nothing, or another purchase for the account is open: then this one must not leave the page
 */
export const keepPurchase = (shelf: Shelf, purchase: KeptPurchase): void => {
  const { proof, ...more } = purchase;
  const { call, until, gateway, secret: bytes = new Uint8Array() } = proof;
  const kept = {
    ...{ ...more, amount: more.amount.toString(), payment: proof.header[1], call, until },
    ...{ ...gateway, secret: encodeBase64(bytes) },
  };
  if (readPurchase(shelf, purchase.account) !== undefined) throw new WalletFault(OPEN);
  try {
    shelf.setItem(purchaseKey(purchase.account), JSON.stringify(kept));
  } catch {
    throw new WalletFault(NO_STORAGE);
  }
  if (readPurchase(shelf, purchase.account) === undefined) throw new WalletFault(NO_STORAGE);
};

const OPEN = {
  text: 'Another purchase for this account has no answer yet.',
  hint: 'Open this dialog again, and ask for that answer first.',
};

const NO_STORAGE = {
  text: 'The browser stores nothing for this page, so the page did not send the payment.',
  hint: 'Let this site store data, then try again. Without it, a reload could make you pay twice.',
};

/** The purchase for an account whose answer is missing. */
export const readPurchase = (shelf: Shelf, account: string): KeptPurchase | undefined => {
  try {
    const parsed = schema.safeParse(JSON.parse(shelf.getItem(purchaseKey(account)) ?? 'null'));
    if (!parsed.success) return undefined;
    const { at, wallet, payer, payment, call, until, audience, tool, ...more } = parsed.data;
    const network = (parseAccountId(more.account)?.network ?? '') as Network;
    const proof = {
      header: [PAYMENT_HEADER[2], payment],
      ...{ secret: more.secret, pays: 'payment', version: 2, binding: 'intent', call, network },
      ...{ asset: assetOf(network), amount: more.amount, until, gateway: { audience, tool } },
    } as Proof;
    return {
      ...{ at, wallet, payer: payer as Address, account: more.account as AccountId },
      ...{ amount: more.amount, proof },
    };
  } catch {
    return undefined;
  }
};

/** Forgets a purchase once its answer is known. Another tab may have kept the next one meanwhile. */
export const forgetPurchase = (shelf: Shelf, { account, proof }: KeptPurchase): void => {
  if (readPurchase(shelf, account)?.proof.call === proof.call)
    shelf.removeItem(purchaseKey(account));
};
