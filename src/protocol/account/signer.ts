import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';

/** The signed intent of a command, stored as evidence. */
export type CommandIntent = {
  readonly fields: Readonly<Record<string, string>>;
  readonly signature: Hex;
  /**
   * The intent's digest, its expiry, and the request that carried it: with these the account applies a command once, and returns the
   * same verdict to the same attempt only.
   */
  readonly digest?: Hex;
  readonly validBefore?: Seconds;
  readonly attempt?: Hex;
};

/** The verified signer of a command. The account decides whether an owner may send it. */
export type CommandSigner = {
  readonly account: AccountId;
  readonly role: 'operator' | 'owner';
  /** The block at which the account's contract accepted the signature (ERC-1271); absent for a key. */
  readonly contractCheckedAt?: number;
};
