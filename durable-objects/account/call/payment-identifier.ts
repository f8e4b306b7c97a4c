import type { Hex } from '../../../src/core/hex.ts';
import type { Noun } from '../../store/noun.ts';
import type { Reader } from '../../store/query.ts';

/** The call that first used a payment-identifier. Forgotten with its call. */
type Identifier = { readonly digest: Hex; readonly call: Hex };

export const IDENTIFIER: Noun<Identifier> = {
  name: 'identifier',
  key: ({ digest }) => digest,
  encode: JSON.stringify,
  decode: (text) => JSON.parse(text) as Identifier,
};

/** Returns the call that first used a payment-identifier. */
export const firstCallUnder = (read: Reader, identifier: Hex): Hex | undefined =>
  read.get(IDENTIFIER, identifier)?.call;
