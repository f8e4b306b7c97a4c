import * as z from 'zod/mini';
import { readJson } from '../../client/json.ts';
import { createOutbox, type Outbox, type OutboxPlace } from '../../client/outbox.ts';
import type { Shelf } from '../../client/shelf.ts';
import type { Proof } from '../../client/proof.ts';
import { nowSeconds, type Seconds } from '../../core/clock.ts';
import type { Address } from '../../core/hex.ts';
import { isObject } from '../../core/json-object.ts';
import { decodeBase64, decodeUtf8, encodeBase64 } from '../../crypto/bytes.ts';
import { type AccountId, type Network, parseAccountId } from '../../protocol/account-id.ts';
import { parseAmount } from '../../protocol/amount.ts';
import { PAYMENT_HEADER } from '../../protocol/x402/headers.ts';
import { WalletFault } from '../session/wallet-refusal.ts';
import { assetOf } from './chosen-wallet.ts';
import { LONGEST_VALIDITY } from './payment-on-chain.ts';

/** A purchase of credit that a wallet has signed and whose outcome is unknown. */
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

/** The storage key of a purchase for an account. All tabs of the browser share it. */
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

const writePurchase = ({ proof, ...more }: KeptPurchase): unknown => {
  const { call, until, gateway, secret: bytes = new Uint8Array() } = proof;
  return {
    ...{ ...more, amount: more.amount.toString(), payment: proof.header[1], call, until },
    ...{ ...gateway, secret: encodeBase64(bytes) },
  };
};

const purchaseIn = (value: unknown, key: string): KeptPurchase | undefined => {
  const parsed = schema.safeParse(value);
  if (!parsed.success || purchaseKey(parsed.data.account) !== key) return undefined;
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

/** The purchases of a browser, one for each account. A purchase never expires: only its answer, or the chain, ends it. */
export const purchasesIn = (place: OutboxPlace): Outbox<KeptPurchase> =>
  createOutbox(
    {
      idOf: ({ proof }) => proof.call,
      write: writePurchase,
      read: purchaseIn,
      endOf: () => undefined,
    },
    { ...place, now: nowSeconds },
  );

/** Tells a person why the page sends no payment. */
export const NO_STORAGE = {
  text: 'The browser stores nothing for this page, so the page sends no payment.',
  hint: 'Let this site store data, then try again. Without it, a reload could make you pay twice.',
};

/** A text longer than any stored purchase. */
const PROBE = 'x'.repeat(32_768);
const PROBE_KEY = 'countersign-probe';

/** Tests the storage before the page asks the wallet: a person must not confirm a payment that the page cannot send. @throws WalletFault */
export const requireStorage = async (shelf: Shelf): Promise<void> => {
  try {
    await shelf.add(PROBE_KEY, PROBE);
    const [stored] = await shelf.list(PROBE_KEY);
    await shelf.remove(PROBE_KEY);
    if (stored?.[1] === PROBE) return;
  } catch {
    // The fault below names the cause.
  }
  throw new WalletFault(NO_STORAGE);
};

/** When the signed transfer ends, which the offer may set later than the end of the intent. */
export const endOf = ({ header, until }: Proof): Seconds => {
  const sent = readJson(decodeUtf8(decodeBase64(header[1]) ?? new Uint8Array()) ?? '');
  const payload = isObject(sent) ? sent['payload'] : undefined;
  const signed = isObject(payload) ? payload['authorization'] : undefined;
  const end = isObject(signed) ? Number(signed['validBefore']) : Number.NaN;
  return Number.isSafeInteger(end) ? Math.max(end, until) : until + LONGEST_VALIDITY;
};
