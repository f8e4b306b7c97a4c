import type { Hex } from '../../../src/core/hex.ts';
import type { Noun } from '../../store/noun.ts';
import type { Reader } from '../../store/query.ts';

/** Which call a payment-identifier was first used for. It leaves with its call, so a call without identifier costs no row more. */
export type Identifier = { readonly digest: Hex; readonly call: Hex };

export const IDENTIFIER: Noun<Identifier> = {
  name: 'identifier',
  key: ({ digest }) => digest,
  encode: JSON.stringify,
  decode: (text) => JSON.parse(text) as Identifier,
};

/** The call that a payment-identifier was first used for; undefined where there is none, or it is forgotten. */
export const callNamed = (read: Reader, digest: Hex): Hex | undefined =>
  read.get(IDENTIFIER, digest)?.call;
