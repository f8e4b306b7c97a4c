import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { BudgetFault } from './command-budget.ts';

/** A request that the key of a session signed. The gateway has verified the signatures of wallet and key. */
export type SessionRequest = {
  /** The session's public key. */
  readonly key: Hex;
  /** When the session began, Unix seconds. */
  readonly begun: Seconds;
  /** 128 bits in base64url, different in every signature. */
  readonly nonce: string;
  /** When the key signed. */
  readonly created: Seconds;
  /** From then on the gateway refuses the signature as expired. */
  readonly until: Seconds;
};

/** `again`: the account may have seen the signature before it woke, so the browser must sign again. */
export type SessionVerdict = {
  readonly verdict: 'admitted' | 'ended' | 'repeat' | 'again' | 'unavailable';
};

/**
 * Ends one session of a wallet, or all of its sessions that have begun.
 *
 * `isOperator`: an operator needs no account to read, so the end of its session is stored even if it has none.
 */
export type SessionEnd = {
  readonly key: Hex | 'all';
  /** When the session expires by itself, Unix seconds. */
  readonly until: Seconds;
  readonly isOperator: boolean;
};

/** `refused`: the wallet has ended too many sessions, so this session continues. */
export type EndedSessions =
  | { readonly verdict: 'ok' | 'unavailable' }
  | { readonly verdict: 'refused'; readonly fault: BudgetFault };
