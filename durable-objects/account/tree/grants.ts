import type { Seconds } from '../../../src/core/clock.ts';
import type { Address, Hex } from '../../../src/core/hex.ts';
import { compileDelegation } from '../../../src/policy/grant.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import {
  accountId,
  type AccountId,
  network,
  parseAccountId,
} from '../../../src/protocol/account-id.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import {
  type AgentDelegation,
  delegationFields,
  type DelegationFields,
} from '../../../src/protocol/intent/agent-delegation.ts';
import type { Noun } from '../../store/noun.ts';
import type { Reader } from '../../store/query.ts';
import type { Tree } from './tree.ts';

/** The account that issued a grant. */
export const issuerOf = ({ chainId, delegation }: SignedGrant): AccountId =>
  accountId(network(chainId), delegation.issuer);

/** The account that received a grant. */
export const delegateOf = ({ chainId, delegation }: SignedGrant): AccountId =>
  accountId(network(chainId), delegation.delegate);

/** The policy that enforces a delegation: every limit goes through the same evaluation. */
export const compiled = ({ chainId, delegation }: SignedGrant): Policy =>
  compileDelegation(delegation, network(chainId));

export const addressOf = (account: AccountId): Address | undefined =>
  parseAccountId(account)?.address;

/** Whether a hash is the zero hash, which a delegation without a parent names. */
export const isZero = (hash: Hex): boolean => /^0x0*$/.test(hash);

/** As stored: the delegation's fields in their signed form. */
type StoredGrant = Omit<SignedGrant, 'delegation'> & {
  readonly delegation: DelegationFields;
};

const encodeGrant = (grant: SignedGrant): StoredGrant => ({
  ...grant,
  delegation: delegationFields(grant.delegation),
});

const decodeGrant = ({ delegation, ...grant }: StoredGrant): SignedGrant => ({
  ...grant,
  delegation: {
    ...delegation,
    maxPerCall: BigInt(delegation.maxPerCall),
    maxTotal: BigInt(delegation.maxTotal),
    windowSeconds: BigInt(delegation.windowSeconds),
    maxPerWindow: BigInt(delegation.maxPerWindow),
    validAfter: BigInt(delegation.validAfter),
    validUntil: BigInt(delegation.validUntil),
    epoch: BigInt(delegation.epoch),
  } satisfies AgentDelegation,
});

/** A grant that this account holds: the account may call by it, and grant parts of it to others. */
export type HeldGrant = {
  readonly grant: SignedGrant;
  /** Its parent grants, nearest first. An ancestor of this account issued each. */
  readonly chain: readonly SignedGrant[];
  readonly issuer: AccountId;
  readonly policy: Policy;
  /** `superseded`: the holder moved to another parent. */
  readonly status: 'active' | 'revoked' | 'superseded';
  /** The holder knew of this grant's revocation when it took a later grant; that later grant names the ancestors instead. */
  readonly isReplaced?: true;
  /** Digest of the intent that the holder consented with. */
  readonly consent: Hex;
  readonly registeredAt: Seconds;
};

type StoredHeld = Pick<HeldGrant, 'status' | 'isReplaced' | 'consent' | 'registeredAt'> & {
  readonly grant: StoredGrant;
  readonly chain: readonly StoredGrant[];
};

export const HELD_GRANT: Noun<HeldGrant> = {
  name: 'held_grant',
  key: ({ grant }) => grant.hash,
  encode: ({ grant, chain, status, isReplaced, consent, registeredAt }) =>
    JSON.stringify({
      grant: encodeGrant(grant),
      chain: chain.map(encodeGrant),
      status,
      ...(isReplaced === undefined ? {} : { isReplaced }),
      consent,
      registeredAt,
    } satisfies StoredHeld),
  decode: (text) => {
    const { grant, chain, ...rest } = JSON.parse(text) as StoredHeld;
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

/** Whether a grant was revoked, by its issuer or by an ancestor that revoked one of its parent grants. */
export const isRevoked = ({ answers }: Pick<Tree, 'answers'>, held: HeldGrant): boolean =>
  held.status !== 'active' || linksOf(held).some(({ hash }) => answers[hash]?.status === 'revoked');

/** Whether a grant may be used now. Its policy checks `validAfter`. */
export const isLive = (tree: Pick<Tree, 'answers'>, held: HeldGrant, now: Seconds): boolean =>
  !isRevoked(tree, held) && BigInt(now) < held.grant.delegation.validUntil;

/** A grant that this account issued. `offered`: its delegate has not consented yet, so the grant binds nothing. */
export type IssuedGrant = {
  readonly grant: SignedGrant;
  readonly child: AccountId;
  readonly status: 'offered' | 'active' | 'revoked';
  readonly registeredAt: Seconds;
};

type StoredIssued = Omit<IssuedGrant, 'grant'> & { readonly grant: StoredGrant };

export const ISSUED_GRANT: Noun<IssuedGrant, 'id' | 'valid_until' | 'is_root'> = {
  name: 'issued_grant',
  key: ({ grant }) => grant.hash,
  encode: ({ grant, ...rest }) =>
    JSON.stringify({ ...rest, grant: encodeGrant(grant) } satisfies StoredIssued),
  decode: (text) => {
    const { grant, ...rest } = JSON.parse(text) as StoredIssued;
    return { ...rest, grant: decodeGrant(grant) };
  },
  fields: {
    id: ({ grant }) => grant.delegation.id,
    valid_until: ({ grant }) => Number(grant.delegation.validUntil),
    is_root: ({ grant }) => (isZero(grant.delegation.parent) ? 1 : 0),
  },
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

/** The id of a revoked grant, which can never be registered again. It may never have been registered here. */
type RevokedGrant = { readonly id: Hex };

export const REVOKED_GRANT: Noun<RevokedGrant> = {
  name: 'revoked_grant',
  key: ({ id }) => id,
  encode: ({ id }) => id,
  decode: (text) => ({ id: text as Hex }),
};

export const isRevokedId = (read: Reader, id: Hex): boolean =>
  read.get(REVOKED_GRANT, id) !== undefined;
