import type { Hex } from '../../../src/core/hex.ts';
import type { SettlementResult } from '../../../src/protocol/payment.ts';
import type { Acknowledged } from '../../../src/protocol/account/rpc.ts';
import { withoutDeadCounters } from '../tree/counters.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { flushDenials } from '../call/denial.ts';
import { expire, expiresAt } from '../call/expire.ts';
import { forget } from './forget.ts';
import type { Memory } from '../memory.ts';
import type { CallRecord } from '../call/record.ts';
import { conclude } from '../call/settled.ts';
import { raiseStuck } from '../call/stuck.ts';
import type { AccountStorage } from '../storage.ts';
import type { AccountState } from '../state.ts';
import type { Transfer } from '../commands/transfer.ts';

const OK: Acknowledged = { verdict: 'ok' };

/** Applies a batch of settlement results to their calls, in order; unknown calls have ended and been pruned. */
export const concludeAll = (
  state: AccountState,
  load: (id: Hex) => CallRecord | undefined,
  results: readonly SettlementResult[],
  context: Context,
): Decision<Acknowledged> => {
  const changes = new Map<Hex, CallRecord>();
  let current = state;
  for (const result of results) {
    const record = changes.get(result.call) ?? load(result.call);
    if (record === undefined) continue;
    const told = conclude(current, record, result, context);
    if (!told.durable) continue;
    current = told.state;
    changes.set(record.id, told.record);
  }
  return {
    state: current,
    records: [...changes.values()],
    loose: [],
    durable: changes.size > 0,
    verdict: OK,
  };
};

/** D1 has every entry up to `seq`. A lower or a future one says nothing (queues do not order). */
export const acknowledge = (state: AccountState, seq: number): Decision<Acknowledged> =>
  Number.isSafeInteger(seq) && seq > state.exported && seq <= state.head.seq
    ? { state: { ...state, exported: seq }, records: [], loose: [], durable: true, verdict: OK }
    : unchanged(state, OK);

/** The alarm's decision: calls whose time is up, payments that are stuck, denials whose ten seconds are over; then what nobody needs any more goes. */
export const tick = (
  state: AccountState,
  load: (id: Hex) => CallRecord | undefined,
  memory: Memory,
  storage: AccountStorage,
  context: Context,
): Decision<Acknowledged> => {
  const changes: CallRecord[] = [];
  const transfers: Transfer[] = [];
  let current = state;
  for (const [id, live] of memory.live) {
    const due = expiresAt(live.record);
    if (due === undefined || context.now < due) continue;
    const record = load(id);
    const ended =
      record === undefined
        ? undefined
        : expire(current, record, { ...context, transferWith: latest(transfers, context) });
    if (ended === undefined) continue;
    current = ended.state;
    changes.push(ended.record);
    transfers.push(...(ended.transfers ?? []));
  }
  const stuck = raiseStuck(current, load, memory, context);
  changes.push(...stuck.records);
  const lasting = forget(stuck.state, context.now);
  const counting = withoutDeadCounters(lasting.state, context);
  const flushed = flushDenials(counting, context);
  memory.pruneAt = storage.prune(context.now, state.exported, memory.pruneAt);
  return {
    state: flushed.state,
    records: changes,
    loose: flushed.loose,
    transfers,
    durable:
      changes.length > 0 ||
      flushed.loose.length > 0 ||
      lasting.dropped.length > 0 ||
      counting !== lasting.state,
    dropped: lasting.dropped,
    verdict: OK,
  };
};

/** Two top-ups for one account may end in one tick: the second adds to what the first has sent. */
const latest =
  (transfers: readonly Transfer[], context: Context): Context['transferWith'] =>
  (peer, asset) =>
    transfers.findLast((one) => one.peer === peer && one.asset === asset) ??
    context.transferWith(peer, asset);
