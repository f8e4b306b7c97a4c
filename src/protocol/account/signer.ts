import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';

/** Who ordered something: the signed intent, kept as evidence. */
export type CommandIntent = {
  readonly fields: Readonly<Record<string, string>>;
  readonly signature: Hex;
  /**
   * The intent's digest, how long it is good, and the request that carried it: with these the account carries an order out once,
   * and gives the same answer to the same attempt only.
   */
  readonly digest?: Hex;
  readonly validBefore?: Seconds;
  readonly attempt?: Hex;
};

/** Who gives an order, as the gateway has checked its signature. Whether an owner may give it is the account's to say. */
export type CommandSigner = {
  readonly account: AccountId;
  readonly role: 'operator' | 'owner';
  /** The block at which the account's contract accepted the signature (ERC-1271); absent for a key. */
  readonly contractCheckedAt?: number;
};
