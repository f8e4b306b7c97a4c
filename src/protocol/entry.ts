import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountId } from './account-id.ts';
import type { EntryType } from './log/entry-types.ts';

/** An entry of an account's hash chain. */
export type Entry = EntryBody & {
  readonly v: 1;
  readonly seq: number;
  readonly account: AccountId;
  /** Hash of the previous entry; 32 zero bytes for the first. */
  readonly prev: Hex;
  /** 16 random bytes. Without them, an outsider could guess an entry from its published hash. */
  readonly salt: Hex;
};

/** The content of an entry. The account adds its position in the chain. Amounts are decimal strings of atomic units. */
export type EntryBody = {
  readonly type: EntryType;
  readonly at: Seconds;
  readonly call?: Hex;
  readonly tool?: string;
  /** `requestDigest` of the request. */
  readonly request?: Hex;
  readonly binding?: 'none' | 'intent';
  /** Signed fields and signatures, verbatim. They let an auditor check the decision without trusting the operator. */
  readonly evidence?: { readonly [key: string]: Json };
  readonly decision?: string;
  readonly rule?: string;
  /** How many equal denials this entry records. */
  readonly count?: number;
  /** Hash of the policy that decided. */
  readonly policy?: Hex;
  readonly amounts?: { readonly [key: string]: string };
  readonly outcome?: { readonly [key: string]: Json };
  readonly payment?: { readonly [key: string]: Json };
};

/** JSON without floating point numbers: JCS (RFC 8785) then needs no number rules. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** The last entry of an account's chain. */
export type ChainHead = { readonly seq: number; readonly hash: Hex };

/** Entries after a sequence number, in order. `exported`: the last one that D1 has; `head`: the last one of the chain. */
export type EntryPage =
  | {
      readonly verdict: 'found';
      readonly entries: readonly LoggedEntry[];
      readonly exported: number;
      readonly head: number;
    }
  | { readonly verdict: 'unavailable' };

/** An `Entry` with unknown members, because RPC types cannot express `Json`. */
export type LoggedEntry = Omit<Entry, 'evidence' | 'outcome' | 'payment'> & {
  readonly evidence?: unknown;
  readonly outcome?: unknown;
  readonly payment?: unknown;
};
