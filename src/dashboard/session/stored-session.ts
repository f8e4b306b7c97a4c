import type { Hex } from '../../core/hex.ts';
import { type AccountId, accountId, network } from '../../protocol/account-id.ts';
import type { SignedSession } from '../../protocol/intent/agent-session.ts';
import type { RequestKey } from '../../protocol/http-signature.ts';
import type { WalletChoice } from './wallet.ts';

/** The key of this browser. Its private half cannot be read, not even by this page. */
export type BrowserKey = RequestKey & {
  /** Raw Ed25519 public key. */
  readonly publicKey: Hex;
};

/** A session that this browser continues at the next visit, and in its other tabs. */
export type StoredSession = {
  readonly key: BrowserKey;
  readonly signed: SignedSession;
  /** The wallet that signed, to ask it again for changes. */
  readonly wallet: WalletChoice;
};

/** The account that a session reads for. */
export const accountOf = ({ signed }: StoredSession): AccountId =>
  accountId(network(signed.chainId), signed.session.account);

/** The stored sessions: one for each account, so that tabs of two wallets do not take each other's key. */
export type SessionStore = {
  readonly all: () => Promise<readonly StoredSession[]>;
  /** Replaces the session of the same account. */
  readonly keep: (session: StoredSession) => Promise<unknown>;
  /** Deletes the session of an account, and its key. */
  readonly forget: (account: AccountId) => Promise<unknown>;
  /** Deletes this session, unless another tab has replaced it. @returns whether it was there */
  readonly forgetOne: (session: StoredSession) => Promise<boolean>;
};
