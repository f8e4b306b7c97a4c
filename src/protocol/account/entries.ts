import type { Entry } from '../entry.ts';

/** An `Entry` with unknown members, because RPC types cannot express `Json`. */
export type LoggedEntry = Omit<Entry, 'evidence' | 'outcome' | 'payment'> & {
  readonly evidence?: unknown;
  readonly outcome?: unknown;
  readonly payment?: unknown;
};

/** Entries after a sequence number, in order. `exported`: the last one that D1 has; `head`: the last one of the chain. */
export type EntryPage =
  | {
      readonly verdict: 'found';
      readonly entries: readonly LoggedEntry[];
      readonly exported: number;
      readonly head: number;
    }
  | { readonly verdict: 'unavailable' };
