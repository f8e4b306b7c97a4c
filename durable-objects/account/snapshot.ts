import type { AssetId } from '../../src/protocol/account-id.ts';
import type { Status } from '../../src/protocol/account/command.ts';
import type { LimitState } from '../../src/protocol/account/denial.ts';
import type { Context } from './decision.ts';
import type { Memory } from './memory.ts';
import { limitsOf } from './call/permit.ts';
import { type AccountState, isKnown } from './state.ts';

/** Money of one asset, in decimal strings of atomic units. */
export type PurseSnapshot = {
  readonly credit: string;
  readonly creditHeld: string;
  readonly creditLent: string;
  readonly held: string;
  readonly unsettled: string;
  readonly settled: string;
  readonly balance: string;
  readonly limits: readonly LimitState[];
};

export type Snapshot =
  | { readonly known: false }
  | {
      readonly known: true;
      /** Whether it ever showed money here. */
      readonly trusted: boolean;
      readonly seq: number;
      readonly exported: number;
      readonly hash: string;
      /** Calls on which work is still due. */
      readonly open: number;
      /** Other accounts that have not acknowledged credit from here. */
      readonly sending: number;
      /** Descendants that hold a live lease. */
      readonly lessees: number;
      readonly status: Status;
      readonly revision: number;
      readonly purses: Readonly<Record<AssetId, PurseSnapshot>>;
      /** Rows billed since this object woke up, deletes and alarms included. */
      readonly rowsWritten: number;
    };

export const snapshotOf = (
  state: AccountState,
  memory: Memory,
  rowsWritten: number,
  context: Context,
): Snapshot => ({
  known: true,
  trusted: isKnown(state),
  seq: state.head.seq,
  exported: state.exported,
  hash: state.head.hash,
  open: memory.live.size + memory.looks.size(),
  sending: memory.pending.size,
  lessees: memory.lessees.count(context.now),
  status: state.tree.status,
  revision: state.tree.revision,
  purses: Object.fromEntries(
    Object.entries(state.purses).map(([asset, purse]) => [
      asset,
      {
        credit: purse.credit.toString(),
        creditHeld: purse.creditHeld.toString(),
        held: (purse.deferredHeld + purse.upfrontHeld).toString(),
        unsettled: purse.unsettled.toString(),
        settled: purse.settled.toString(),
        balance: purse.balance.toString(),
        creditLent: purse.creditLent.toString(),
        limits: limitsOf(state, { asset: asset as AssetId, grant: undefined }, context),
      },
    ]),
  ),
  rowsWritten,
});
