import * as z from 'zod/mini';
import { readJson } from '../../client/json.ts';
import type { Proof } from '../../client/proof.ts';
import type { Seconds } from '../../core/clock.ts';
import type { Address } from '../../core/hex.ts';
import { isObject } from '../../core/json-object.ts';
import { decodeBase64, decodeUtf8, encodeBase64 } from '../../crypto/bytes.ts';
import { type AccountId, type Network, parseAccountId } from '../../protocol/account-id.ts';
import { parseAmount } from '../../protocol/amount.ts';
import { PAYMENT_HEADER } from '../../protocol/x402/headers.ts';
import { WalletFault } from '../session/wallet-refusal.ts';
import { assetOf } from './chosen-wallet.ts';
import { LONGEST_VALIDITY } from './payment-on-chain.ts';
import { NO_STORAGE, type Shelf } from './shelf.ts';

/** A purchase of credit that a wallet has signed and whose end is not known. */
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
 * Keeps a purchase before its signature leaves the page, for every tab, and so that it survives a reload.
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
  const stored = readPurchase(shelf, purchase.account);
  if (stored === undefined || stored === 'unreadable') {
    // The purchase was not sent, so it must not block the next one.
    shelf.removeItem(purchaseKey(purchase.account));
    throw new WalletFault(NO_STORAGE);
  }
};

const OPEN = {
  text: 'Another purchase for this account has no answer yet.',
  hint: 'Open this dialog again, and ask for that answer first.',
};

/**
 * The purchase for an account whose end is not known. `unreadable`: the browser keeps a purchase that this code cannot read, or does not
 * let the page look, so that none may be signed.
 */
export const readPurchase = (
  shelf: Shelf,
  account: string,
): KeptPurchase | 'unreadable' | undefined => {
  try {
    const kept = shelf.getItem(purchaseKey(account));
    return kept === null ? undefined : (purchaseIn(kept, account) ?? 'unreadable');
  } catch {
    return 'unreadable';
  }
};

/** Reads what `keepPurchase` wrote. @throws SyntaxError for text that is not JSON */
const purchaseIn = (kept: string, account: string): KeptPurchase | undefined => {
  const parsed = schema.safeParse(JSON.parse(kept));
  if (!parsed.success || parsed.data.account !== account) return undefined;
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
};

/** When the signed transfer ends, which the offer may set later than the end of the intent. */
export const endOf = ({ header, until }: Proof): Seconds => {
  const sent = readJson(decodeUtf8(decodeBase64(header[1]) ?? new Uint8Array()) ?? '');
  const payload = isObject(sent) ? sent['payload'] : undefined;
  const signed = isObject(payload) ? payload['authorization'] : undefined;
  const end = isObject(signed) ? Number(signed['validBefore']) : Number.NaN;
  return Number.isSafeInteger(end) ? Math.max(end, until) : until + LONGEST_VALIDITY;
};

/**
 * Forgets a purchase once its outcome is known, unless another tab has kept the next one meanwhile. If it stays after a failure, it is only
 * sent again.
 */
export const forgetPurchase = (shelf: Shelf, { account, proof }: KeptPurchase): void => {
  const kept = readPurchase(shelf, account);
  if (kept === undefined || kept === 'unreadable' || kept.proof.call !== proof.call) return;
  try {
    shelf.removeItem(purchaseKey(account));
  } catch {
    // A failure here must not hide the outcome of the purchase.
  }
};
