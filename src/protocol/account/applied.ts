import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';
import type { CreditTooLow, OrderFault, TreeFault } from './command-fault.ts';
import type { SignedGrant } from './grant.ts';

export type Governed =
  | {
      readonly verdict: 'governed';
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
    }
  | { readonly verdict: 'refused'; readonly fault: TreeFault | OrderFault }
  | { readonly verdict: 'unavailable' };

export type Applied =
  /** `credit`: of the account in this asset, afterwards; negative is a debt. */
  | { readonly verdict: 'applied'; readonly credit: bigint }
  /** It was applied before; nothing changed. */
  | { readonly verdict: 'known'; readonly credit: bigint }
  /** Of `adjust`: nothing changed. */
  | { readonly verdict: 'refused'; readonly fault: OrderFault | CreditTooLow }
  | { readonly verdict: 'unavailable' };
