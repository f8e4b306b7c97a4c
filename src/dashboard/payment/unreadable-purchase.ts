import type { Shelf } from '../../client/shelf.ts';
import type { Seconds } from '../../core/clock.ts';
import { isObject } from '../../core/json-object.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { momentOf } from '../format/time.ts';
import type { ChosenWallet } from './chosen-wallet.ts';
import { purchaseKey } from './kept-purchase.ts';
import { openPurchase } from './open-purchase.ts';
import { ended, type PaymentFault } from './payment-fault.ts';
import { LONGEST_VALIDITY } from './payment-on-chain.ts';
import { readBlock } from './token-reads.ts';

/** The most by which the clock that set the end of a payment was ahead, in seconds. */
const CLOCKS: Seconds = 300;

/** The key for the time at which the page first found a kept purchase that it cannot read. */
const sinceKey = (account: string): string => `countersign-credit-unreadable:${account}`;

/**
 * Refuses a purchase while the browser keeps an earlier one that this code cannot read, e.g. of another release: that one may still move
 * money. Once the longest validity of a signed payment has passed, it forgets that purchase and reports this once.
 *
 * @param now the clock of the browser, for a wallet that names no block
 * @throws the errors of the storage
 */
export const refuseUnreadable = async (
  shelf: Shelf,
  account: AccountId,
  { wallet, on }: ChosenWallet,
  now: Seconds,
): Promise<PaymentFault> => {
  const [kept] = await shelf.list(purchaseKey(account));
  const text = JSON.stringify(kept?.[1]);
  const time = (await readBlock(wallet.provider, on))?.time ?? now;
  const since = (await sinceOf(shelf, account, text)) ?? time;
  const end = since + LONGEST_VALIDITY + CLOCKS;
  await shelf.remove(sinceKey(account));
  if (time > end) {
    await shelf.remove(purchaseKey(account));
    return ended(
      'This browser kept an earlier purchase for this account that the page cannot read. It moves no money any more, and may have moved some before.',
      'Before you buy again, look for its payment in the wallet, and for the credit on the page of the account.',
    );
  }
  await shelf.add(sinceKey(account), { since, text });
  return {
    ...openPurchase(
      'This browser keeps an earlier purchase for this account that the page cannot read. It may have moved money, or may still do so.',
    ),
    hint: `Reload the page, then try again. If the page still cannot read it, you can buy again after ${momentOf(end)}.`,
  };
};

/** When this text was first found; undefined if the stored note is about another text. */
const sinceOf = async (
  shelf: Shelf,
  account: AccountId,
  text: string | undefined,
): Promise<Seconds | undefined> => {
  const [found] = await shelf.list(sinceKey(account));
  const noted = found?.[1];
  const since = isObject(noted) && noted['text'] === text ? noted['since'] : undefined;
  return typeof since === 'number' && Number.isSafeInteger(since) ? since : undefined;
};
