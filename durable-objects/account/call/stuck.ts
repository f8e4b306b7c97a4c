import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { AssetId } from '../../../src/protocol/account-id.ts';
import { append, type Context } from '../decision.ts';
import type { Live } from '../log/outbox.ts';
import type { AccountState } from '../state.ts';
import { loadCall } from './call-noun.ts';
import type { CallRecord } from './record.ts';

/** A payment that is open this long after its call has ended is stuck. */
const STUCK_AFTER: Seconds = 900;
/** The most calls that one alarm reads: after a long outage there may be thousands. */
const AT_ONCE = 20;

/**
 * Raises an alert once for each stuck payment. The call's own entries remember the alert; `Live.alerted` saves reading them at each
 * alarm.
 */
export const raiseStuck = (
  state: AccountState,
  live: Map<Hex, Live>,
  context: Context,
): { readonly state: AccountState; readonly records: readonly CallRecord[] } => {
  const records: CallRecord[] = [];
  let current = state;
  let looked = 0;
  for (const [id, each] of live) {
    // A call ends after it was dispatched: no need to read a younger one.
    if (each.alerted === true || !isOpen(each.record, each.record.dispatchedAt, context.now)) {
      continue;
    }
    if ((looked += 1) > AT_ONCE) break;
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

/**
 * Since when the longest open payment of an asset has waited for the chain. Counted from the latest moment at which its tool can have
 * answered, because live records have no nearer one.
 */
export const openSince = (live: Iterable<Live>, asset: AssetId): Seconds | undefined => {
  let oldest: Seconds | undefined;
  for (const { record } of live) {
    if (record.asset !== asset || (record.payment !== 'queued' && record.payment !== 'sent'))
      continue;
    const since = record.dispatchedAt + record.timeoutSeconds;
    oldest = Math.min(oldest ?? since, since);
  }
  return oldest;
};

const endedAt = ({ entries, dispatchedAt }: CallRecord): Seconds =>
  entries.find(({ type }) => type === 'call.finished')?.at ?? dispatchedAt;
