import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { Noun } from '../../store/noun.ts';
import type { Reader } from '../../store/query.ts';
import { compiled, decodeGrant, encodeGrant, issuerOf, type StoredGrant } from './signed-grant.ts';
import type { Tree } from './tree.ts';

/** A grant that this account holds: the account may call by it, and grant parts of it to others. */
export type HeldGrant = {
  readonly grant: SignedGrant;
  /** The grants above it, nearest first. An ancestor of this account issued each. */
  readonly chain: readonly SignedGrant[];
  readonly issuer: AccountId;
  readonly policy: Policy;
  /** `superseded`: the holder moved to another parent. */
  readonly status: 'active' | 'revoked' | 'superseded';
  /** Digest of the intent that the holder consented with. */
  readonly consent: Hex;
  readonly registeredAt: Seconds;
};

type Stored = Pick<HeldGrant, 'status' | 'consent' | 'registeredAt'> & {
  readonly grant: StoredGrant;
  readonly chain: readonly StoredGrant[];
};

export const HELD_GRANT: Noun<HeldGrant> = {
  name: 'held_grant',
  key: ({ grant }) => grant.hash,
  encode: ({ grant, chain, status, consent, registeredAt }) =>
    JSON.stringify({
      grant: encodeGrant(grant),
      chain: chain.map(encodeGrant),
      status,
      consent,
      registeredAt,
    } satisfies Stored),
  decode: (text) => {
    const { grant, chain, ...rest } = JSON.parse(text) as Stored;
    const own = decodeGrant(grant);
    return {
      ...rest,
      grant: own,
      chain: chain.map(decodeGrant),
      issuer: issuerOf(own),
      policy: compiled(own),
    };
  },
};

/** The grants that an account holds, in the order of registration. */
export const heldGrants = (read: Reader): readonly HeldGrant[] =>
  [...read.find(HELD_GRANT)].toSorted(
    (one, other) =>
      one.registeredAt - other.registeredAt || (one.grant.hash < other.grant.hash ? -1 : 1),
  );

/** A grant and its parent grants, nearest first. */
export const linksOf = ({
  grant,
  chain,
}: Pick<HeldGrant, 'grant' | 'chain'>): readonly SignedGrant[] => [grant, ...chain];

/** Whether a grant was revoked: here, or because an ancestor revoked one of its parent grants. */
export const isRevoked = ({ answers }: Pick<Tree, 'answers'>, held: HeldGrant): boolean =>
  held.status !== 'active' || linksOf(held).some(({ hash }) => answers[hash]?.status === 'revoked');

/** Whether a grant may be used now. Its policy checks `validAfter`. */
export const isLive = (tree: Pick<Tree, 'answers'>, held: HeldGrant, now: Seconds): boolean =>
  !isRevoked(tree, held) && BigInt(now) < held.grant.delegation.validUntil;
