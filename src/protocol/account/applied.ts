import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';
import type { CreditTooLow, CommandFault, FieldFault } from './command-fault.ts';
import type { SignedGrant } from './grant.ts';

/** How an account answers a command. */
export type Applied =
  | {
      readonly verdict: 'applied';
      /** False where it had been so before. */
      readonly changed: boolean;
      readonly revision: number;
      /** Holders of live leases that have taken note, and those that did not answer: they stop when their lease ends. */
      readonly acknowledged: readonly AccountId[];
      readonly silent: readonly AccountId[];
      /** Of `issue` and `accept`: the grants that the issuer itself stands on, nearest first. */
      readonly chain?: readonly SignedGrant[];
      /** Of `accept`: the grant as it was registered. */
      readonly grant?: SignedGrant;
      /** Hash (ETag) of what was ordered, as it is now; absent where nothing is there any more. */
      readonly current?: Hex;
      /** Of a document that was put or removed: where its entry stands, which orders what the gateway's tables hold of it. */
      readonly entry?: { readonly seq: number; readonly at: Seconds };
      /** Of a policy: calls that run in the account now, and how many of them it would have refused. They may end (law 4). */
      readonly inFlight?: { readonly held: number; readonly cutOff: number };
      /** Of a command about credit: the account's credit in this asset afterwards, atomic units; negative is a debt. */
      readonly credit?: bigint;
    }
  | { readonly verdict: 'refused'; readonly fault: FieldFault | CommandFault | CreditTooLow }
  | { readonly verdict: 'unavailable' };
