import type { Hex } from '../../../src/core/hex.ts';
import type { Noun } from '../../store/noun.ts';
import type { Reader } from '../../store/query.ts';

/** The id of a revoked grant, which can never be registered again. It may never have been registered here. */
export type RevokedGrant = { readonly id: Hex };

export const REVOKED_GRANT: Noun<RevokedGrant> = {
  name: 'revoked_grant',
  key: ({ id }) => id,
  encode: ({ id }) => id,
  decode: (text) => ({ id: text as Hex }),
};

export const isRevokedId = (read: Reader, id: Hex): boolean =>
  read.get(REVOKED_GRANT, id) !== undefined;
