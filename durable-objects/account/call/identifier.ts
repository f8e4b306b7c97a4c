import type { Hex } from '../../../src/core/hex.ts';
import type { Noun } from '../../store/noun.ts';
import type { Reader } from '../../store/query.ts';

/** The call that first used a payment-identifier. Deleted with its call; a call without an identifier writes no such row. */
export type Identifier = { readonly digest: Hex; readonly call: Hex };

export const IDENTIFIER: Noun<Identifier> = {
  name: 'identifier',
  key: ({ digest }) => digest,
  encode: JSON.stringify,
  decode: (text) => JSON.parse(text) as Identifier,
};

/** Returns the call that first used a payment-identifier; undefined if there is none, or it was pruned. */
export const callNamed = (read: Reader, digest: Hex): Hex | undefined =>
  read.get(IDENTIFIER, digest)?.call;
