import type { Acknowledged } from '../../../src/protocol/account/rpc.ts';
import { type Decision, stored, unchanged } from '../decision.ts';
import type { AccountState } from '../state.ts';

const OK: Acknowledged = { verdict: 'ok' };

/** D1 has every entry up to `seq`. A lower or a future one changes nothing: queues do not order. */
export const exported = (state: AccountState, seq: number): Decision<Acknowledged> =>
  Number.isSafeInteger(seq) && seq > state.exported && seq <= state.head.seq
    ? stored({ ...state, exported: seq }, OK)
    : unchanged(state, OK);
