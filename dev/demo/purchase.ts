import type { Hex } from 'viem';
import { formatDollars } from '../../src/core/amount.ts';
import { type Answer, pay, paymentOf, send, type ToolRequest } from './exchange.ts';
import { type ReceiptCheck, verifyReceipt } from './receipt.ts';
import type { Scene } from './scene.ts';
import { offerOf, type SignedPayment } from './wallet.ts';

/** A call that was paid for. */
export type Purchase = {
  readonly request: ToolRequest;
  readonly payment: SignedPayment;
  readonly answer: Answer;
  /** Atomic units the gateway says it charged. */
  readonly charged: bigint;
  /** Transaction named in the answer: empty for a payment that settles later. */
  readonly transaction: Hex | '';
  readonly receipt: ReceiptCheck;
};

/** Dollars of an amount on the wire, for people. */
export const dollars = (amount: string | bigint): string => formatDollars(BigInt(amount));

/** Asks for the price, signs it, sends the request again with the signature, and verifies the receipt. */
export const buy = async (scene: Scene, request: ToolRequest): Promise<Purchase> => {
  const { stack, wallet, account, narrator } = scene;
  const notBefore = Math.floor(Date.now() / 1000);
  const offer = offerOf(await send(request));
  const price = BigInt(offer.accepts[0]?.amount ?? '0');
  const payment = await wallet.sign(offer);
  const answer = await narrator.during('paying', pay(request, payment.header));
  const told = paymentOf(answer);
  const charged = BigInt(told?.amount ?? '0');
  const expected = { agent: account, request, call: payment.nonce, charged: price, notBefore };
  narrator.check(
    `paid ${dollars(price)}, answered 200 in ${answer.milliseconds} ms`,
    answer.status === 200,
    `${answer.status}`,
  );
  narrator.check(
    'charged what was offered',
    told?.success === true && charged === price,
    dollars(charged),
  );
  return {
    request,
    payment,
    answer,
    charged,
    transaction: (told?.transaction ?? '') as Hex | '',
    receipt: await verifyReceipt(stack, expected, answer),
  };
};

/** Says whether the receipt of a purchase held. */
export const checkReceipt = ({ narrator }: Scene, { receipt }: Purchase): void => {
  const held = receipt.valid ? `: ${receipt.compared.length} claims` : '';
  narrator.check(
    `receipt verified with the gateway's public key${held}`,
    receipt.valid,
    receipt.valid ? '' : receipt.why,
  );
};
