import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Entry, Json } from '../../protocol/entry.ts';

/** The checks, in the order of a report (docs/audit-format.md). */
export const CHECKS = [
  'form',
  'chain',
  'signatures',
  'calls',
  'payments',
  'prices',
  'limits',
  'denials',
  'totals',
  'settlements',
  'receipts',
  'log',
  'heads',
  'contains',
] as const;

export type CheckId = (typeof CHECKS)[number];

/**
 * What a check found. `proved`: every statement that it checked. `bounded`: some depend on a lease, on a contract's signature or on an
 * order in time that the files cannot show. `not checked`: input is missing. `BROKEN`: a statement is false.
 */
export type Verdict = 'proved' | 'bounded' | 'not checked' | 'BROKEN';

/** A line of a file. Lines count from 1. */
export type Place = { readonly file: string; readonly line: number };

/** An entry as the files have it. `text`: its canonical line, without the line feed. `hash`: the hash of that text. */
export type HashedEntry = {
  readonly entry: Entry;
  readonly text: string;
  readonly hash: Hex;
  readonly place: Place;
};

/** The first broken statement of a check. `reason`: a stable word in snake_case. `field`: the member of the entry, with dots. */
export type Fault = Place & {
  readonly account?: AccountId;
  readonly seq?: number;
  readonly field?: string;
  readonly reason: string;
};

/** The report of a check. `unchecked`: statements whose input is missing; `note` names the input and how to get it. */
export type Finding = {
  readonly check: CheckId;
  readonly verdict: Verdict;
  readonly checked: number;
  readonly bounded: number;
  readonly unchecked: number;
  readonly note?: string;
  readonly first?: Fault;
};

/**
 * Texts that entries name by hash, collected in a first pass over the files: policies and catalogue documents under SHA-256 over their JCS,
 * delegations under their EIP-712 digest. Each hash was recomputed from its text.
 */
export type Documents = ReadonlyMap<Hex, Json>;

/** The findings of the first pass over the files. */
export type Survey = {
  readonly documents: Documents;
  /** The place of a text whose hash differs from the stated one, i.e. a changed text. */
  readonly altered?: ReadonlyMap<Hex, Place>;
  /** The accounts whose chains are in the files, with the first and the last seq that is there. */
  readonly accounts: ReadonlyMap<AccountId, { readonly first: number; readonly last: number }>;
};

/**
 * One check. It reads the entries of one account after another, in the order of their seq, and keeps only those that it needs, because a
 * file may have millions. `end` is called once, after the last entry. Neither throws for anything that a file contains.
 */
export type Check = {
  readonly id: CheckId;
  readonly see: (seen: HashedEntry) => void | Promise<void>;
  readonly end: () => Finding | Promise<Finding>;
};
