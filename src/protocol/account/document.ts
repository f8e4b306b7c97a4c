import type { Hex } from '../../core/hex.ts';

export type DocumentType = 'tool' | 'webhook';

/** A stored document. `hash`: SHA-256 over its JCS form. */
export type KeptDocument =
  | { readonly verdict: 'found'; readonly hash: Hex; readonly document: unknown }
  | { readonly verdict: 'unknown' }
  | { readonly verdict: 'unavailable' };

/** Documents of one type that changed; `text` is null for a removed one. `top`: sequence number of the newest change. */
export type ChangedDocuments =
  | {
      readonly verdict: 'found';
      readonly top: number;
      readonly documents: readonly { readonly name: string; readonly text: string | null }[];
    }
  | { readonly verdict: 'unavailable' };
