import type { ListedAccount, Progress, Report } from '../../audit/verify/index.ts';

/** What the verifier's worker reads: an export in memory (docs/audit-format.md). */
export type VerifierJob = {
  readonly entries: readonly { readonly name: string; readonly blob: Blob }[];
  readonly texts?: Blob;
  readonly listed?: readonly ListedAccount[];
  readonly log?: { readonly leaves: Blob; readonly checkpoint: string; readonly keys: string };
  /** Receipts, one a line, and the JWK set that verifies them. */
  readonly receipts?: { readonly text: string; readonly keys: string };
};

/** What the worker sends: that it listens, how far it is, then its report. */
export type VerifierMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'report'; readonly report: Report }
  | { readonly kind: 'failed'; readonly why: string };
