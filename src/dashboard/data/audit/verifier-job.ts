import type { ListedAccount, NamedText, Progress, Report } from '../../../audit/verify/index.ts';

/** The input of the verifier's worker: an export in memory (docs/audit-format.md). */
export type VerifierJob = {
  readonly entries: readonly { readonly name: string; readonly blob: Blob }[];
  readonly texts?: Blob;
  readonly listed?: readonly ListedAccount[];
  /** The transparency log of each year, the oldest first, and the lists of keys that verify it. */
  readonly log?: {
    readonly years: readonly {
      readonly year: number;
      readonly leaves: Blob;
      readonly checkpoint: string;
      readonly heads?: Blob;
    }[];
    readonly keys: readonly NamedText[];
  };
  /** Receipts, one a line, and the JWK set that verifies them. */
  readonly receipts?: { readonly text: string; readonly keys: string };
};

/** The messages of the worker: ready, its progress, then its report. */
export type VerifierMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'report'; readonly report: Report }
  | { readonly kind: 'failed'; readonly why: string };
