import type { Seconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Slot } from '../../src/signer/judge.ts';
import type { Noun } from '../store/noun.ts';

/**
 * A slot as it is stored. `signatures`: those of a key service, by digest. Such a service signs differently each time, and a repeat must get
 * the same bytes. A slot without the signature of its digest is reserved: the agent's repeat of the same typed data fills it.
 */
export type KeptSlot = Slot & { readonly signatures?: Readonly<Record<Hex, Hex>> };

export const SLOT: Noun<KeptSlot> = {
  name: 'slot',
  key: ({ spend }) => spend,
  encode: ({ amount, ...slot }) => JSON.stringify({ ...slot, amount: amount.toString() }),
  decode: (text) => {
    const { amount, ...slot } = JSON.parse(text) as Omit<KeptSlot, 'amount'> & {
      readonly amount: string;
    };
    return { ...slot, amount: BigInt(amount) };
  },
  // After this time, intent and payment are refused as expired.
  forgetAt: ({ until }) => until,
};

/**
 * Something that may be used once: the nonce of an HTTP signature, or the intent of a command. Kept until it is refused as expired anyway.
 */
export type Burnt = { readonly id: string; readonly until: Seconds };

export const BURNT: Noun<Burnt> = {
  name: 'burnt',
  key: ({ id }) => id,
  encode: (burnt) => JSON.stringify(burnt),
  decode: (text) => JSON.parse(text) as Burnt,
  forgetAt: ({ until }) => until,
};
