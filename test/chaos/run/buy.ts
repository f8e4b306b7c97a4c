import { setTimeout as pause } from 'node:timers/promises';
import { isOpen, send, sendAndLeave } from './client.ts';
import type { Purchase, Reply } from './purchase.ts';
import { type Signed, signPurchase } from './sign-purchase.ts';
import type { Attacker } from './attacks.ts';

export type BuyContext = {
  readonly gateway: string;
  readonly audience: string;
  readonly attacker: Attacker;
  /** Unix seconds. */
  readonly now: () => number;
};

/** How long a client repeats a request without a final answer. */
const PATIENCE_MS = 60_000;
const LONGEST_PAUSE_S = 5;

/** Performs a hostile payer's attack if its moment has come. Ignores failures. */
export const attack = (
  context: BuyContext,
  purchase: Purchase,
  signed: Signed,
  moment: 'sent' | 'run' | 'answered',
): void => {
  if (purchase.attack?.at !== moment) return;
  context.attacker.perform(purchase, signed).catch(() => undefined);
};

/** Makes one purchase: signs, sends, and repeats until a final answer arrives or the time is up. */
export const buy = async (
  context: BuyContext,
  purchase: Purchase,
  signs: (signed: Signed) => void,
): Promise<void> => {
  const { manner, random, replies, payer } = purchase;
  const sign = async (): Promise<Signed> => {
    const signed = await signPurchase(purchase, context.audience, context.now());
    purchase.nonces.push(signed.nonce);
    signs(signed);
    return signed;
  };
  const attempt = async (signed: Signed): Promise<Reply> => {
    const reply = await send(context.gateway, signed);
    replies.push(reply);
    return reply;
  };
  let signed = await sign();
  attack(context, purchase, signed, 'sent');
  if (manner === 'leaves' || manner === 'isGone') {
    await sendAndLeave(context.gateway, signed);
    if (manner === 'isGone') return;
    await pause(random.integer(100, 4_000));
  }
  if (manner === 'sendsTwice') void attempt(signed);
  const until = Date.now() + PATIENCE_MS;
  let isPatient = true;
  while (isPatient) {
    const reply = await attempt(signed);
    if (reply.status === 402 && purchase.nonces.length === 1) {
      // x402 clients sign again on 402. If the gateway accepted the first payment as well, the payer has paid twice.
      signed = await sign();
    } else if (isOpen(reply)) {
      await pause(Math.min(LONGEST_PAUSE_S, Math.max(1, reply.retryAfter)) * 1000);
      isPatient = Date.now() < until;
    } else isPatient = false;
  }
  attack(context, purchase, signed, 'answered');
  if (signed.authorization !== undefined) payer.last = signed;
  if (purchase.attack?.kind === 'reuses') {
    await attempt({ ...signed, path: `${signed.path.replace(/\d+$/, '')}0` });
  }
  if (manner === 'repeats') await attempt(signed);
};
