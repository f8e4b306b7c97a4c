import { nowSeconds } from '../core/clock.ts';
import { RECEIPT_TYPE, receiptClaims } from '../protocol/receipt.ts';
import type { Gateway } from './gateway.ts';

/** The header `Agent-Receipt`: what the gateway states about a call that has ended (design §4.8). */
export const receiptHeader = async (
  { signer }: Gateway,
  facts: Parameters<typeof receiptClaims>[0],
): Promise<{ readonly 'Agent-Receipt': string }> => ({
  'Agent-Receipt': await signer.sign(receiptClaims(facts, nowSeconds()), RECEIPT_TYPE),
});
