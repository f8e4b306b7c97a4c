import type { CallRecord } from './call-record.ts';
import { expiresAt } from './expire.ts';
import type { LastLooks } from './last-looks.ts';
import { firstSendAt } from './settlement-message.ts';
import type { WholeCalls } from './whole-calls.ts';
import { type DueTimes, openDueTimes } from '../../store/due-times.ts';
import { RESEND_FIRST, resendPause, type Sending } from '../../store/outbox.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { AssetId } from '../../../src/protocol/account-id.ts';

/**
 * Calls on which work is still due, except those that only await their last look. A busy account has thousands, so commits and alarms do
 * not iterate over them: each kind of work has an index of due times.
 */
export type LiveCalls = {
  readonly live: Map<Hex, LiveCall>;
  /** When each call must be sent to a backend or the settlement queue. */
  readonly sends: DueTimes<Hex>;
  /** When each call ends by itself, and when its payment counts as stuck, while no alert was raised. */
  readonly ends: DueTimes<Hex>;
  readonly stuck: DueTimes<Hex>;
  /** When each open payment began to wait for the chain, by asset. */
  readonly waits: Map<AssetId, DueTimes<Hex>>;
  /** Deferred calls that run. */
  readonly running: Set<Hex>;
};

/** The part of its open calls that an awake account keeps in memory. A cache of their stored records. */
export type OpenCalls = LiveCalls & {
  readonly looks: LastLooks;
  readonly whole: WholeCalls;
};

/** A call on which work is still due, and how often the account sent it to the settlement queue. */
export type LiveCall = Sending & {
  readonly record: CallRecord;
  /** An alert was raised because its payment is open for too long. */
  readonly alerted?: boolean | undefined;
};

export const openLiveCalls = (): LiveCalls => ({
  live: new Map(),
  sends: openDueTimes(),
  ends: openDueTimes(),
  stuck: openDueTimes(),
  waits: new Map(),
  running: new Set(),
});

/** Remembers a call on which work is due. */
export const keepLive = (calls: LiveCalls, call: LiveCall): void => {
  const { record, alerted } = call;
  const { id, asset } = record;
  const isOpen = isOpenPayment(record);
  calls.live.set(id, call);
  calls.sends.set(id, settleAt(call));
  calls.ends.set(id, expiresAt(record));
  calls.stuck.set(id, isOpen && alerted !== true ? record.dispatchedAt + STUCK_AFTER : undefined);
  if (isOpen) waitsOf(calls, asset).set(id, waitsSince(record));
  else calls.waits.get(asset)?.set(id, undefined);
  if (isRunning(record)) calls.running.add(id);
  else calls.running.delete(id);
};

export const dropLive = (calls: LiveCalls, id: Hex): void => {
  const asset = calls.live.get(id)?.record.asset;
  if (asset !== undefined) calls.waits.get(asset)?.set(id, undefined);
  calls.live.delete(id);
  calls.sends.set(id, undefined);
  calls.ends.set(id, undefined);
  calls.stuck.set(id, undefined);
  calls.running.delete(id);
};

const waitsOf = ({ waits }: Pick<LiveCalls, 'waits'>, asset: AssetId): DueTimes<Hex> => {
  const known = waits.get(asset);
  if (known !== undefined) return known;
  const opened = openDueTimes<Hex>();
  waits.set(asset, opened);
  return opened;
};

/** A payment that is open this long after its call has ended is stuck. */
export const STUCK_AFTER: Seconds = 900;

/** Whether a delivered call waits for its payment. */
export const isOpenPayment = ({ payment }: CallRecord): boolean =>
  payment === 'queued' || payment === 'sent';

/** Counted from the latest moment at which the tool can have answered, because live records do not have the time of the answer. */
const waitsSince = ({ dispatchedAt, timeoutSeconds }: CallRecord): Seconds =>
  dispatchedAt + timeoutSeconds;

const isRunning = ({ state, paidBy }: CallRecord): boolean =>
  state === 'held' && paidBy === 'deferred';

/**
 * When the alarm must fire for these calls; Infinity: never. A message that is due now leaves with this commit, so the alarm only repeats it; a
 * message that is due in less than `RESEND_FIRST` after that waits for the same alarm, if no commit sends it earlier.
 */
export const nextAlarm = (
  { sends, ends }: Pick<LiveCalls, 'sends' | 'ends'>,
  now: Seconds,
): Seconds => {
  const send = sends.earliest() ?? Infinity;
  return Math.min(ends.earliest() ?? Infinity, send <= now ? now + RESEND_FIRST : send);
};

/** Whether the account sends this call to the settlement queue again, until it has stored what became of its payment. */
export const isSentAgain = (
  { live, looks }: Pick<OpenCalls, 'live' | 'looks'>,
  id: Hex,
): boolean => {
  const call = live.get(id);
  return looks.has(id) || (call !== undefined && firstSendAt(call.record) !== undefined);
};

/** Relayer and queue store what they take, and each repeated payment costs a look at the chain: it is repeated when it is probably lost. */
const LOST_AFTER: Seconds = 60;

/** When to send this call to a backend or the queue, first or again; undefined if nothing remains to be sent. */
export const settleAt = ({ record, sentAt, sends }: LiveCall): Seconds | undefined => {
  const first = firstSendAt(record);
  if (first === undefined || sends === 0) return first;
  // Leaves time for another backend.
  const soon = Math.min(LOST_AFTER, (record.validBefore - sentAt) / 2);
  return Math.max(first, sentAt + Math.max(resendPause(sends), soon));
};

/** Since when the longest open payment of an asset has waited for the chain. */
export const openSince = (
  { waits }: Pick<LiveCalls, 'waits'>,
  asset: AssetId,
): Seconds | undefined => waits.get(asset)?.earliest();

/**
 * Calls that failed, or may still fail, and whose payments can still move. Running calls count too; otherwise concurrent calls could exceed
 * the bound.
 */
export const releasedOf = ({ looks, live, running }: OpenCalls, most: number): number => {
  const all = looks.size() + live.size;
  return all < most ? all : looks.size() + running.size;
};
