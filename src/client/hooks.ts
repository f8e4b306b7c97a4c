import type { Hex } from '../core/hex.ts';
import type { Requirement } from '../protocol/x402/requirement.ts';
import type { CallReport } from './report.ts';

/** What is about to be signed for. */
export type Offered = {
  readonly url: string;
  readonly method: string;
  readonly requirement: Requirement;
  readonly paysFrom: 'payment' | 'credit';
  readonly binding: 'none' | 'intent';
};

/** What was signed; the signature itself is never shown. */
export type SignedCall = {
  readonly url: string;
  readonly call: Hex;
  readonly pays: 'none' | 'payment' | 'credit';
  readonly amount: bigint;
};

/** A repeat of the same request with the same signature. */
export type Retry = {
  readonly call: Hex;
  /** 2 for the first repeat. */
  readonly attempt: number;
  /** `already_used`: something on the way had repeated the first attempt. */
  readonly why: 'no_answer' | 'not_known_yet' | 'already_used';
  readonly waitMs: number;
};

/** Places to look on and step in. */
export type AgentHooks = {
  /** Before anything is signed. `false` or an exception stops the call with error `vetoed`; nothing is spent. */
  readonly onOffer?: (offered: Offered) => unknown;
  /** After signing, before sending. An exception stops the call with error `vetoed`; nothing is spent. */
  readonly onSign?: (signed: SignedCall) => unknown;
  /** After the answer. What it throws is dropped: an answer that was paid for is never lost to a hook. */
  readonly onAnswer?: (report: CallReport, response: Response) => unknown;
  /** Before each repeat. What it throws is dropped. */
  readonly onRetry?: (retry: Retry) => unknown;
};
