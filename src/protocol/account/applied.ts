import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';
import type { CreditTooLow, CommandFault, FieldFault } from './command-fault.ts';
import type { SignedGrant } from './grant.ts';

/** An account's verdict on a command. */
export type Applied =
  | {
      readonly verdict: 'applied';
      /** False if the command had no effect. */
      readonly changed: boolean;
      readonly revision: number;
      /** Holders of live leases that acknowledged, and those that did not answer, which stop when their lease expires. */
      readonly acknowledged: readonly AccountId[];
      readonly silent: readonly AccountId[];
      /** For `issue` and `accept`: the grants above this one, nearest first. */
      readonly chain?: readonly SignedGrant[];
      /** For `accept`: the registered grant. */
      readonly grant?: SignedGrant;
      /** Hash (ETag) of the changed document as it is now; absent if it was removed. */
      readonly current?: Hex;
      /** For a document that was put or removed: the position of its entry, which orders writes to the gateway's tables. */
      readonly entry?: { readonly seq: number; readonly at: Seconds };
      /** For a policy: the running calls of the account, and how many of them it would have denied. They may end (law 4). */
      readonly inFlight?: { readonly held: number; readonly cutOff: number };
      /** For a credit command: the account's credit in this asset afterwards, atomic units; negative is a debt. */
      readonly credit?: bigint;
    }
  | { readonly verdict: 'refused'; readonly fault: FieldFault | CommandFault | CreditTooLow }
  | { readonly verdict: 'unavailable' };
