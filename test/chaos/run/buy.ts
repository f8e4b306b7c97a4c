import { isOpen, send, sendAndLeave } from './client.ts';
import type { Purchase, Reply } from './purchase.ts';
import { type Signed, signPurchase } from './sign-purchase.ts';
import type { Tricks } from './attacks.ts';

export type Market = {
  readonly gateway: string;
  readonly audience: string;
  readonly tricks: Tricks;
  /** Unix seconds. */
  readonly now: () => number;
};

/** So long a client repeats a request that has no final answer. */
const PATIENCE_MS = 60_000;
const LONGEST_PAUSE_S = 5;

const pause = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What a hostile payer does, at its moment. Whatever becomes of it. */
export const strike = (
  market: Market,
  purchase: Purchase,
  signed: Signed,
  moment: 'sent' | 'run' | 'answered',
): void => {
  if (purchase.trick?.at !== moment) return;
  market.tricks.play(purchase, signed).catch(() => undefined);
};

/** Buys one thing: signs, sends, and repeats until there is a final answer or it has lost patience. */
export const buy = async (
  market: Market,
  purchase: Purchase,
  signs: (signed: Signed) => void,
): Promise<void> => {
  const { manner, luck, heard, payer } = purchase;
  const sign = async (): Promise<Signed> => {
    const signed = await signPurchase(purchase, market.audience, market.now());
    purchase.nonces.push(signed.nonce);
    signs(signed);
    return signed;
  };
  const tell = async (signed: Signed): Promise<Reply> => {
    const reply = await send(market.gateway, signed);
    heard.push(reply);
    return reply;
  };
  let signed = await sign();
  strike(market, purchase, signed, 'sent');
  if (manner === 'leaves' || manner === 'isGone') {
    await sendAndLeave(market.gateway, signed);
    if (manner === 'isGone') return;
    await pause(luck.integer(100, 4_000));
  }
  if (manner === 'sendsTwice') void tell(signed);
  const until = Date.now() + PATIENCE_MS;
  let isPatient = true;
  while (isPatient) {
    const reply = await tell(signed);
    if (reply.status === 402 && purchase.nonces.length === 1) {
      // As x402 clients do. If what was signed before is accepted as well, somebody has paid twice.
      signed = await sign();
    } else if (isOpen(reply)) {
      await pause(Math.min(LONGEST_PAUSE_S, Math.max(1, reply.retryAfter)) * 1000);
      isPatient = Date.now() < until;
    } else isPatient = false;
  }
  strike(market, purchase, signed, 'answered');
  if (signed.authorization !== undefined) payer.last = signed;
  if (purchase.trick?.kind === 'reuses') {
    await tell({ ...signed, path: `${signed.path.replace(/\d+$/, '')}0` });
  }
  if (manner === 'repeats') await tell(signed);
};
