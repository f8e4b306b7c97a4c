import { CALL, type CallRecord, loadCall } from './call/call-record.ts';
import { flushDenials } from './call/denial.ts';
import { expire, expiresAt } from './call/expire.ts';
import type { LiveCall } from './call/open-calls.ts';
import { append, type Context, type Decision, unchanged } from './decision.ts';
import type { Memory } from './memory.ts';
import { dropEndedGrants } from './pruning.ts';
import { ACCOUNT, type AccountState } from './state.ts';
import { withoutDeadCounters } from './tree/counters.ts';
import { put, type Write } from '../store/noun.ts';
import { openOverlay } from '../store/overlay.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Acknowledged } from '../../src/protocol/account/rpc.ts';

const OK: Acknowledged = { verdict: 'ok' };

/** The decision of an alarm: ends overdue calls, raises alerts about stuck payments, enters counted denials, drops ended grants. */
export const decideAlarm = (
  state: AccountState,
  { live }: Pick<Memory, 'live'>,
  context: Context,
): Decision<Acknowledged> => {
  const overlay = openOverlay(context.read);
  // Two top-ups for one account may end at one alarm: the second adds to what the first has sent.
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
  const lasting = dropEndedGrants(stuck.state, context.now);
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

/** A payment that is open this long after its call has ended is stuck. */
const STUCK_AFTER: Seconds = 900;
/** The most calls that one alarm reads: after a long outage there may be thousands. */
const MAX_AT_ONCE = 20;

/**
 * Raises an alert once for each stuck payment. The call's own entries remember the alert; `LiveCall.alerted` saves reading them at each
 * alarm.
 */
const raiseStuck = (
  state: AccountState,
  live: Map<Hex, LiveCall>,
  context: Context,
): { readonly state: AccountState; readonly records: readonly CallRecord[] } => {
  const records: CallRecord[] = [];
  let current = state;
  let read = 0;
  for (const [id, each] of live) {
    // A call ends after it was dispatched: no need to read a younger one.
    if (each.alerted === true || !isOpen(each.record, each.record.dispatchedAt, context.now)) {
      continue;
    }
    if ((read += 1) > MAX_AT_ONCE) break;
    const record = loadCall(context.read, id);
    if (record === undefined || !isOpen(record, endedAt(record), context.now)) continue;
    live.set(id, { ...each, alerted: true });
    if (record.entries.some(({ type }) => type === 'alert.raised')) continue;
    const entered = append(current, record, context, {
      type: 'alert.raised',
      rule: 'stuck',
      outcome: {
        call: record.id,
        tool: record.tool,
        asset: record.asset,
        amount: record.charged.toString(),
        since: endedAt(record),
      },
    });
    current = entered.state;
    records.push(entered.record);
  }
  return { state: current, records };
};

const isOpen = ({ payment }: CallRecord, since: Seconds, now: Seconds): boolean =>
  (payment === 'queued' || payment === 'sent') && now >= since + STUCK_AFTER;

const endedAt = ({ entries, dispatchedAt }: CallRecord): Seconds =>
  entries.find(({ type }) => type === 'call.finished')?.at ?? dispatchedAt;
