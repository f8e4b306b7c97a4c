import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { Repeats } from '../../../src/policy/rule.ts';
import type { Source } from '../../../src/policy/evaluate.ts';
import type { Status } from '../../../src/protocol/account/status.ts';
import type { CommandCount, CommandBudget } from '../commands/command-budget.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { Authority, Share, Shares } from '../../../src/protocol/account/lease.ts';

/** A policy somebody wrote for this account. */
export type WrittenPolicy = { readonly policy: Policy; readonly hash: Hex };

/** A grant that this account holds: it may call by it, and grant parts of it to others. A row of `grants`. */
export type HeldGrant = {
  readonly grant: SignedGrant;
  /** The grants that it stands on, nearest first: of each, the issuer is an account above this one. */
  readonly chain: readonly SignedGrant[];
  readonly issuer: AccountId;
  readonly policy: Policy;
  /** `superseded`: the holder has moved to another parent. */
  readonly status: 'active' | 'revoked' | 'superseded';
  /** Digest of the intent by which the holder consented. */
  readonly consent: Hex;
  readonly registeredAt: Seconds;
};

/** A grant that this account has issued. `offered`: its delegate has not consented, so that it binds nothing yet. A row of `grants`. */
export type IssuedGrant = {
  readonly grant: SignedGrant;
  readonly child: AccountId;
  readonly status: 'offered' | 'active' | 'revoked';
  readonly registeredAt: Seconds;
};

/** The account's place in its tree: what is stored of it in the account's row. */
export type Tree = {
  /** Grows with every change that those below must know. */
  readonly revision: number;
  /** The worse of the two below. */
  readonly status: Status;
  readonly operatorStatus?: Status;
  /** `by`: the account that ordered it, for all but `active`; an account below that one cannot lift it. */
  readonly ownerStatus?: { readonly status: Status; readonly by?: AccountId };
  readonly operator?: WrittenPolicy;
  readonly owner?: WrittenPolicy;
  /** Who wrote the owner's policy. */
  readonly ownerBy?: AccountId;
  readonly label?: string;
  /** The account above: the issuer of what this one holds. */
  readonly parent?: AccountId;
  /** All accounts above, nearest first; kept when the grants that said so are forgotten. */
  readonly above?: readonly AccountId[];
  /** Once a grant was taken, no call is ever decided without one: a revoked agent is no stranger (law 8). */
  readonly governed: boolean;
  /** The grant that a call without authority stands on while it lives: the one taken last, or the one that an account above chose since. */
  readonly defaultGrant?: Hex;
  /** Grants that this account has issued below this epoch are dead. */
  readonly epochFloor: number;
  /** GCRA arrival time of the owner's policy, milliseconds. */
  readonly ownerArrival: number;
  /** By the policy that counts them: `base`, `owner`. */
  readonly repeats: Readonly<Record<string, Repeats>>;
  /** What this account has from those above, by the grant that the one above has issued. */
  readonly books: Readonly<Record<Hex, Shares>>;
  /** The last word of an account above, by the grant it has issued: what a reply that comes late must not undo. */
  readonly words: Readonly<Record<Hex, Word>>;
  /** What commands have used of their budgets (command-budget.ts). */
  readonly commands?: Readonly<Partial<Record<CommandBudget, CommandCount>>>;
  /** Of what was said lately, and when (said.ts). */
  readonly alerts?: Readonly<Record<string, Seconds>>;
};

export type Word = { readonly revision: number; readonly status: Authority['status'] };

/** The right to decide for an account above, while it lasts. Never stored: who has slept asks again. */
export type Lease = {
  readonly until: Seconds;
  readonly status: Authority['status'];
  /** The counters above that a call by this grant counts in. */
  readonly names: readonly string[];
  readonly policies: readonly Pick<Source, 'key' | 'origin' | 'policy'>[];
  readonly policiesHash: Hex;
  /** The least need that the account above had too little for, since it last granted one. */
  readonly shortOf?: bigint;
};

export const EMPTY_TREE: Tree = {
  revision: 0,
  status: 'active',
  governed: false,
  epochFloor: 0,
  ownerArrival: 0,
  repeats: {},
  books: {},
  words: {},
};

export const NO_SHARE: Share = { start: 0, granted: 0n, returned: 0n, spent: 0n, held: 0n };

/** What a share still allows. */
export const unusedOf = ({ granted, returned, spent, held }: Share): bigint =>
  granted - returned - spent - held;

/** What was given and has not come back. */
export const outstandingOf = ({ granted, returned }: Share): bigint => granted - returned;

/** Credit of an account above is kept under this name, beside its counters. */
export const CREDIT = 'credit';

/** A grant and those it stands on, nearest first: each was issued by an account above. */
export const linksOf = ({ grant, chain }: HeldGrant): readonly SignedGrant[] => [grant, ...chain];

/** Whether a grant is dead for ever: here, or by the word of one above it. */
export const isRevoked = ({ words }: Pick<Tree, 'words'>, held: HeldGrant): boolean =>
  held.status !== 'active' || linksOf(held).some(({ hash }) => words[hash]?.status === 'revoked');

/** Whether a grant may be used now. Its times are the policy's to say. */
export const isLive = (tree: Pick<Tree, 'words'>, held: HeldGrant, now: Seconds): boolean =>
  !isRevoked(tree, held) && BigInt(now) < held.grant.delegation.validUntil;

export const isZero = (hash: Hex): boolean => /^0x0*$/.test(hash);
