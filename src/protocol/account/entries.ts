import type { Entry } from '../entry.ts';

/** An `Entry`, whose JSON members RPC types cannot follow. */
export type LoggedEntry = Omit<Entry, 'evidence' | 'outcome' | 'payment'> & {
  readonly evidence?: unknown;
  readonly outcome?: unknown;
  readonly payment?: unknown;
};

/** Entries after a place in the chain, in order. `exported`: up to where D1 has them; `head`: where the chain ends. */
export type EntryPage =
  | {
      readonly verdict: 'found';
      readonly entries: readonly LoggedEntry[];
      readonly exported: number;
      readonly head: number;
    }
  | { readonly verdict: 'unavailable' };
