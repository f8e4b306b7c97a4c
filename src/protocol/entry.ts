import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountId } from './account-id.ts';

/** What an entry records. Names are final: they stand in exported logs. */
export type EntryType =
  | 'call.accepted'
  | 'call.denied'
  | 'call.dispatched'
  | 'call.finished'
  | 'call.late'
  | 'call.abandoned'
  | 'call.resolved'
  | 'payment.settled'
  | 'payment.failed'
  | 'payment.released'
  | 'payment.bounced'
  | 'credit.received'
  | 'credit.refunded'
  | 'credit.lent'
  | 'grant.issued'
  | 'grant.accepted'
  | 'grant.taken'
  | 'grant.revoked'
  | 'grant.default'
  | 'account.status'
  | 'account.policy'
  | 'account.label'
  | 'tool.put'
  | 'tool.removed'
  | 'webhook.put'
  | 'webhook.removed'
  | 'settlement.redriven'
  | 'letter.redriven'
  | 'credit.adjusted'
  | 'alert.raised';

/** JSON of strings, safe integers, booleans, arrays and objects: no floats, so JCS needs no number rules (design §7). */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** What a decision says; the account adds its place in the chain. Amounts are decimal strings of atomic units. */
export type EntryBody = {
  readonly type: EntryType;
  readonly at: Seconds;
  readonly call?: Hex;
  readonly tool?: string;
  /** Digest of the request as the gateway saw it. */
  readonly request?: Hex;
  readonly binding?: 'none' | 'intent';
  /** Signed fields and signatures, verbatim: what makes the decision checkable without trusting us. */
  readonly evidence?: { readonly [key: string]: Json };
  readonly decision?: string;
  readonly rule?: string;
  /** How many equal denials this entry stands for. */
  readonly count?: number;
  /** Hash of the policy that decided. */
  readonly policy?: Hex;
  readonly amounts?: { readonly [key: string]: string };
  readonly outcome?: { readonly [key: string]: Json };
  readonly payment?: { readonly [key: string]: Json };
};

/** One link of an account's chain. */
export type Entry = EntryBody & {
  readonly v: 1;
  readonly seq: number;
  readonly account: AccountId;
  /** Hash of the entry before; 32 zero bytes for the first. */
  readonly prev: Hex;
  /** 16 random bytes: a published hash gives no guess of what it hides. */
  readonly salt: Hex;
};

/** Where an account's chain stands. */
export type ChainHead = { readonly seq: number; readonly hash: Hex };
