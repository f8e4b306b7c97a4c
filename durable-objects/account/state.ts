import { GENESIS } from '../../src/audit/entry.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { AccountId, AssetId } from '../../src/protocol/account-id.ts';
import type { Denial, DenialRule } from '../../src/protocol/account/denial.ts';
import type { Screened } from '../../src/protocol/account/screening.ts';
import type { ChainHead, Json } from '../../src/protocol/entry.ts';
import type { Noun } from '../store/noun.ts';
import { decodePurse, encodePurse, mapValues, type Purse, type StoredPurse } from './purse.ts';
import type { HeldGrant } from './tree/grants.ts';
import {
  decodeTree,
  EMPTY_TREE,
  encodeTree,
  type HeldLease,
  type StoredTree,
  type Tree,
} from './tree/tree.ts';

/** The content of an entry about denied calls. */
export type DeniedCall = {
  readonly rule: DenialRule;
  /** When the first of these calls was denied. */
  readonly at: Seconds;
  readonly tool: string;
  readonly call: `0x${string}`;
  readonly request: `0x${string}`;
  readonly of: Pick<Denial, 'account' | 'limit' | 'param' | 'grant' | 'authority'>;
  readonly policy: `0x${string}`;
  /** The inputs of the rule for the first of these calls. */
  readonly judged: {
    /** Seq of the last entry before the decision. */
    readonly after: number;
    /** Only for a top-up: the account that would get the money. */
    readonly creditTo?: AccountId;
    readonly binding: 'none' | 'intent';
    readonly price: string;
    readonly asset: AssetId;
    readonly payTo: string;
    readonly evidence: { readonly [key: string]: Json };
  };
};

/** The time after a denial by a rule in which further ones only count. */
export type DenialBucket = {
  readonly rule: DenialRule;
  readonly since: Seconds;
  /** The denials that followed, not yet an entry. */
  readonly further?: { readonly first: DeniedCall; readonly count: number };
};

/** What stands of a screening (`call/screening.ts`). `settings`: SHA-256 of the settings that it was made with. */
export type ScreeningResult = {
  readonly verdict: Screened;
  readonly passes: boolean;
  readonly until: Seconds;
  readonly settings: Hex;
};

export type ScreenedAccounts = Readonly<Record<AccountId, ScreeningResult>>;

/** The state of an account. A new account is `emptyAccount`, which is not stored until it accepts something. */
export type AccountState = {
  readonly account: AccountId;
  readonly head: ChainHead;
  /** Every entry up to this seq is in D1. */
  readonly exported: number;
  readonly hasCode: boolean;
  /** When the account's code was last read from the chain; 0 = never. */
  readonly factsAt: Seconds;
  readonly factsBlock: number;
  /** GCRA arrival time, milliseconds. */
  readonly arrival: number;
  /** As `arrival`, of denied calls and dry runs, and of calls that fail (`call/account-rates.ts`). Stored with the next write. */
  readonly denialArrival: number;
  readonly failureArrival: number;
  readonly purses: Readonly<Record<AssetId, Purse>>;
  readonly denials: readonly DenialBucket[];
  /** Its place in a tree of accounts. */
  readonly tree: Tree;
  /** After it was brought forward to its log: when every proof that it may have forgotten has expired. */
  readonly startsAgainAt?: Seconds;
  /** The grants it holds, in the order of their registration. */
  readonly held: readonly HeldGrant[];
  /** By the grant that the ancestor issued. Never stored, as `grantChecks`: an account that wakes asks again. */
  readonly leases: Readonly<Record<Hex, HeldLease>>;
  /** The last screenings of the account and of ancestors whose credit paid for its calls. Absent: it was never screened. */
  readonly screened?: ScreenedAccounts;
  /** The last erasure: the answers of calls that were accepted up to `at` are never returned. `seq`: of its entry. */
  readonly erased?: { readonly at: Seconds; readonly seq: number };
  /** When a contract issuer last confirmed its signature. */
  readonly grantChecks: Readonly<Record<Hex, Seconds>>;
};

export const emptyAccount = (account: AccountId): AccountState => ({
  account,
  head: GENESIS,
  exported: 0,
  hasCode: false,
  factsAt: 0,
  factsBlock: 0,
  arrival: 0,
  denialArrival: 0,
  failureArrival: 0,
  purses: {},
  denials: [],
  tree: EMPTY_TREE,
  held: [],
  leases: {},
  grantChecks: {},
});

/**
 * Whether the account ever showed money here, or has a place in a tree whose owner did. Denials of others are only counted in metrics
 * (law 12).
 */
export const isKnown = (state: AccountState): boolean => state.tree.revision > 0 || hasPaid(state);

export const hasPaid = ({ purses }: AccountState): boolean =>
  Object.values(purses).some((purse) => purse.settled > 0n || purse.credit !== 0n);

type Stored = Omit<AccountState, 'purses' | 'tree' | 'held' | 'leases' | 'grantChecks'> & {
  readonly purses: Readonly<Record<string, StoredPurse>>;
  readonly tree?: undefined;
  readonly held?: undefined;
  readonly leases?: undefined;
  readonly grantChecks?: undefined;
};

/**
 * One value an object. Every commit writes it, so nothing in it may grow without bound. Its place in a tree, with the policies, is a part of
 * its own, which a commit writes only if it changes.
 */
export const ACCOUNT: Noun<AccountState> = {
  name: 'account',
  key: ({ account }) => account,
  encode: (state) => {
    const text = JSON.stringify({
      ...state,
      // A bucket's count is stored with the next write.
      denials: state.denials.filter(({ further }) => further !== undefined),
      purses: mapValues(state.purses, encodePurse),
      // `JSON.stringify` omits these: they are a part or values of their own, or never stored.
      tree: undefined,
      held: undefined,
      leases: undefined,
      grantChecks: undefined,
    } satisfies Stored);
    return state.tree === EMPTY_TREE ? text : [text, treeText(state.tree)];
  },
  /** Without the grants it holds, which are values of their own. */
  decode: (text, [tree]) => {
    const { purses, ...rest } = JSON.parse(text) as Stored;
    return {
      ...rest,
      purses: mapValues(purses, decodePurse) as AccountState['purses'],
      tree: tree === undefined ? EMPTY_TREE : decodeTree(JSON.parse(tree) as StoredTree),
      held: [],
      leases: {},
      grantChecks: {},
    };
  },
};

/** Texts of trees. Most commits store the same tree again, and encoding its policies costs 15 µs. */
const treeTexts = new WeakMap<Tree, string>();

const treeText = (tree: Tree): string => {
  const known = treeTexts.get(tree);
  if (known !== undefined) return known;
  const text = JSON.stringify(encodeTree(tree));
  treeTexts.set(tree, text);
  return text;
};
