import type { Hex } from '../../core/hex.ts';

export type DocumentType = 'tool' | 'webhook';

/** A document that the account keeps. `hash`: SHA-256 of its canonical JSON. */
export type KeptDocument =
  | { readonly verdict: 'found'; readonly hash: Hex; readonly document: unknown }
  | { readonly verdict: 'unknown' }
  | { readonly verdict: 'unavailable' };

/** Documents of one type that changed, without text where one was removed. `top`: the newest entry that wrote one. */
export type ChangedDocuments =
  | {
      readonly verdict: 'found';
      readonly top: number;
      readonly documents: readonly { readonly name: string; readonly text: string | null }[];
    }
  | { readonly verdict: 'unavailable' };
