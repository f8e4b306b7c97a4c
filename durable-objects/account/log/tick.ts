import type { Hex } from '../../../src/core/hex.ts';
import type { Acknowledged } from '../../../src/protocol/account/rpc.ts';
import { put, type Write } from '../../store/noun.ts';
import { openOverlay } from '../../store/overlay.ts';
import { CALL, loadCall } from '../call/call-noun.ts';
import { flushDenials } from '../call/denial.ts';
import { expire, expiresAt } from '../call/expire.ts';
import { raiseStuck } from '../call/stuck.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import type { Memory } from '../memory.ts';
import { ACCOUNT, type AccountState } from '../state.ts';
import { withoutDeadCounters } from '../tree/counters.ts';
import { forget } from './forget.ts';

const OK: Acknowledged = { verdict: 'ok' };

/** The alarm's decision: ends calls whose time is up, raises stuck payments, enters denials whose ten seconds are over, forgets. */
export const tick = (
  state: AccountState,
  { live }: Pick<Memory, 'live'>,
  context: Context,
): Decision<Acknowledged> => {
  const overlay = openOverlay(context.read);
  // Two top-ups for one account may end in one tick: the second adds to what the first has sent.
  const within: Context = { ...context, read: overlay };
  let current = state;
  for (const id of dueIn(live, context)) {
    const record = loadCall(overlay, id);
    const ended = record && expire(current, record, within);
    if (ended === undefined) continue;
    current = ended.state;
    overlay.add([put(CALL, ended.record), ...ended.writes]);
  }
  const stuck = raiseStuck(current, live, within);
  overlay.add(stuck.records.map((record) => put(CALL, record)));
  const lasting = forget(stuck.state, context.now);
  const counting = withoutDeadCounters(lasting.state, context);
  const flushed = flushDenials(counting, context);
  const writes: readonly Write[] = [...overlay.writes(), ...lasting.writes];
  return counting === lasting.state && writes.length + flushed.entries.length === 0
    ? unchanged(flushed.state, OK)
    : {
        state: flushed.state,
        writes: [put(ACCOUNT, flushed.state), ...writes],
        entries: flushed.entries,
        verdict: OK,
      };
};

const dueIn = (live: Memory['live'], { now }: Context): readonly Hex[] =>
  [...live].flatMap(([id, { record }]) => {
    const due = expiresAt(record);
    return due === undefined || now < due ? [] : [id];
  });
