import type { Address, Hex } from '../../../../src/core/hex.ts';
import { keyOf, type Pending } from '../../../../src/settlement/relayer/pending.ts';

export const addressOf = (id: number): Address => `0x${id.toString(16).padStart(40, '0')}`;
export const nonceOf = (id: number): Hex => `0x${id.toString(16).padStart(64, '0')}`;

export const NOW = 1_800_000_000;

/** A payment of payer 1 that the relayer has just taken, valid for an hour. */
export const pendingOf = (
  id: number,
  changes: Partial<Omit<Pending, 'authorization'>> & {
    readonly payer?: number;
    readonly validBefore?: number;
    readonly value?: bigint;
  } = {},
): Pending => {
  const { payer = 1, validBefore = NOW + 3_600, value = 1_000n, ...rest } = changes;
  const from = addressOf(payer);
  const nonce = nonceOf(id);
  return {
    key: keyOf({ authorization: { from, nonce } }),
    account: `eip155:84532:${from}`,
    call: nonce,
    authorization: {
      from,
      to: addressOf(0xbb),
      value,
      validAfter: 0n,
      validBefore: BigInt(validBefore),
      nonce,
    },
    signature: `0x${'11'.repeat(32)}${'22'.repeat(32)}1b`,
    sinceBlock: 0,
    at: NOW,
    urgent: false,
    strikes: 0,
    ...rest,
  };
};
