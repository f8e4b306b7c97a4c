import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Noun } from '../../store/noun.ts';
import type { Reader } from '../../store/query.ts';
import { decodeGrant, encodeGrant, isZero, type StoredGrant } from './signed-grant.ts';

/** A grant that this account issued. `offered`: its delegate has not consented yet, so the grant binds nothing. */
export type IssuedGrant = {
  readonly grant: SignedGrant;
  readonly child: AccountId;
  readonly status: 'offered' | 'active' | 'revoked';
  readonly registeredAt: Seconds;
};

type Stored = Omit<IssuedGrant, 'grant'> & { readonly grant: StoredGrant };

export const ISSUED_GRANT: Noun<IssuedGrant, 'id' | 'valid_until' | 'is_root'> = {
  name: 'issued_grant',
  key: ({ grant }) => grant.hash,
  encode: ({ grant, ...rest }) =>
    JSON.stringify({ ...rest, grant: encodeGrant(grant) } satisfies Stored),
  decode: (text) => {
    const { grant, ...rest } = JSON.parse(text) as Stored;
    return { ...rest, grant: decodeGrant(grant) };
  },
  fields: {
    id: ({ grant }) => grant.delegation.id,
    valid_until: ({ grant }) => Number(grant.delegation.validUntil),
    is_root: ({ grant }) => (isZero(grant.delegation.parent) ? 1 : 0),
  },
  indexed: ['id'],
};

export const issuedGrant = (read: Reader, hash: Hex): IssuedGrant | undefined =>
  read.get(ISSUED_GRANT, hash);

export const issuedById = (read: Reader, id: Hex): IssuedGrant | undefined => {
  const [found] = read.find(ISSUED_GRANT, { where: [['id', '=', id]], limit: 1 });
  return found;
};

/** Whether the account issued a grant as an owner, which has no parent grant. */
export const ownsOthers = (read: Reader): boolean =>
  read.count(ISSUED_GRANT, { where: [['is_root', '=', 1]], limit: 1 }) > 0;

export const issuedCount = (read: Reader): number => read.count(ISSUED_GRANT);
