import { type CallRecord, paymentAmount } from './call/call-record.ts';
import { CALL, loadCall } from './call/stored-call.ts';
import { flushDenials } from './call/denial.ts';
import { expire } from './call/expire.ts';
import { isOpenPayment, type LiveCalls, STUCK_AFTER } from './call/open-calls.ts';
import { append, type Context, type Decision, unstored } from './decision.ts';
import { dropEndedGrants } from './pruning.ts';
import { ACCOUNT, type AccountState } from './state.ts';
import { withoutDeadCounters } from './tree/counters.ts';
import { put, type Write } from '../store/noun.ts';
import { openOverlay } from '../store/overlay.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { Acknowledged } from '../../src/protocol/account/rpc.ts';

const OK: Acknowledged = { verdict: 'ok' };

/** The decision of an alarm: ends overdue calls, raises alerts about stuck payments, enters counted denials, drops ended grants. */
export const decideAlarm = (
  state: AccountState,
  calls: Pick<LiveCalls, 'live' | 'ends' | 'stuck'>,
  context: Context,
): Decision<Acknowledged> => {
  const overlay = openOverlay(context.read);
  // One alarm may end two top-ups for the same account: the second adds to the total that the first has sent.
  const within: Context = { ...context, read: overlay };
  let current = state;
  for (const id of calls.ends.take(context.now)) {
    const record = loadCall(overlay, id);
    const ended = record && expire(current, record, within);
    if (ended === undefined) continue;
    current = ended.state;
    overlay.add([put(CALL, ended.record), ...ended.writes]);
  }
  const stuck = raiseStuck(current, calls, within);
  overlay.add(stuck.records.map((record) => put(CALL, record)));
  const lasting = dropEndedGrants(stuck.state, context.now);
  const counting = withoutDeadCounters(lasting.state, context);
  const flushed = flushDenials(counting, context);
  const writes: readonly Write[] = [...overlay.writes(), ...lasting.writes];
  return counting === lasting.state && writes.length + flushed.entries.length === 0
    ? unstored(flushed.state, OK)
    : {
        state: flushed.state,
        writes: [put(ACCOUNT, flushed.state), ...writes],
        entries: flushed.entries,
        verdict: OK,
      };
};

/** The most calls that one alarm reads: after a long outage there may be thousands. */
const MAX_AT_ONCE = 20;

/**
 * Raises an alert once for each stuck payment. The call's own entries remember the alert; `LiveCall.alerted` saves reading them at each
 * alarm.
 */
const raiseStuck = (
  state: AccountState,
  { live, stuck }: Pick<LiveCalls, 'live' | 'stuck'>,
  context: Context,
): { readonly state: AccountState; readonly records: readonly CallRecord[] } => {
  const records: CallRecord[] = [];
  let current = state;
  for (const id of stuck.take(context.now, MAX_AT_ONCE)) {
    const known = live.get(id);
    const record = loadCall(context.read, id);
    if (known === undefined || record === undefined || !isOpenPayment(record)) continue;
    // Due times count from the dispatch of a call, because only its entries show when it ended.
    const at = endedAt(record) + STUCK_AFTER;
    if (context.now < at) {
      stuck.set(id, at);
      continue;
    }
    live.set(id, { ...known, alerted: true });
    if (record.entries.some(({ type }) => type === 'alert.raised')) continue;
    const entered = append(current, record, context, {
      type: 'alert.raised',
      rule: 'stuck',
      outcome: {
        call: record.id,
        tool: record.tool,
        asset: record.asset,
        amount: paymentAmount(record).toString(),
        since: endedAt(record),
      },
    });
    current = entered.state;
    records.push(entered.record);
  }
  return { state: current, records };
};

const endedAt = ({ entries, dispatchedAt }: CallRecord): Seconds =>
  entries.find(({ type }) => type === 'call.finished')?.at ?? dispatchedAt;
