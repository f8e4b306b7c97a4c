import { type CallRecord, isFinal } from './call-record.ts';
import { expiresAt } from './expire.ts';
import { firstSendAt, LOOK_DELAY } from './settlement-message.ts';
import type { DueTimes } from '../../store/due-times.ts';
import { RESEND_FIRST, resendPause, type Sending } from '../../store/outbox.ts';
import { entryText } from '../../../src/audit/entry.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { AssetId } from '../../../src/protocol/account-id.ts';

/** What an awake account remembers of the calls that have not ended for good. A cache of their stored records. */
export type OpenCalls = {
  /** Calls on which work is still due, except those that only await their last look. */
  readonly live: Map<Hex, LiveCall>;
  /** When each of them must be sent to the settlement queue, and when each next needs the alarm. */
  readonly sends: DueTimes<Hex>;
  readonly alarms: DueTimes<Hex>;
  readonly looks: LastLooks;
  readonly whole: WholeCalls;
};

/** A call on which work is still due, and how often the account sent it to the settlement queue. */
export type LiveCall = Sending & {
  readonly record: CallRecord;
  /** An alert was raised because its payment is open for too long. */
  readonly alerted?: boolean;
};

/** Remembers a call on which work is due. */
export const keepLive = (
  { live, sends, alarms }: Pick<OpenCalls, 'live' | 'sends' | 'alarms'>,
  call: LiveCall,
  now: Seconds,
): void => {
  const { id } = call.record;
  live.set(id, call);
  sends.set(id, settleAt(call));
  alarms.set(id, dueAt(call, now));
};

export const dropLive = (
  { live, sends, alarms }: Pick<OpenCalls, 'live' | 'sends' | 'alarms'>,
  id: Hex,
): void => {
  live.delete(id);
  sends.set(id, undefined);
  alarms.set(id, undefined);
};

/** When the next of these calls needs the alarm. A time that has passed counts from now on: an alarm in the past would fire at once. */
export const nextAlarm = (
  { live, alarms }: Pick<OpenCalls, 'live' | 'alarms'>,
  now: Seconds,
): Seconds | undefined => {
  for (const id of alarms.take(now)) {
    const call = live.get(id);
    const due = call && dueAt(call, now);
    alarms.set(id, due && Math.max(due, now + 1));
  }
  return alarms.earliest();
};

/** Relayer and queue store what they take, and each repeated payment costs a look at the chain: it is repeated when it is probably lost. */
const LOST_AFTER: Seconds = 60;

/** When to send this call to a backend or the queue (again); undefined if nothing is to be sent. */
export const settleAt = ({ record, sentAt, sends }: LiveCall): Seconds | undefined => {
  const first = firstSendAt(record);
  if (first === undefined || sends === 0) return first;
  // Another backend must still have time.
  const soon = Math.min(LOST_AFTER, (record.validBefore - sentAt) / 2);
  return Math.max(first, sentAt + Math.max(resendPause(sends), soon));
};

/** When this call next needs the alarm. A message that is due now leaves with this commit; the alarm only sends it again. */
const dueAt = (live: LiveCall, now: Seconds): Seconds | undefined => {
  const send = settleAt(live);
  const resend = send !== undefined && send <= now ? now + RESEND_FIRST : send;
  const times = [expiresAt(live.record), resend].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
};

/**
 * Since when the longest open payment of an asset has waited for the chain. Counted from the latest moment at which its tool can have
 * answered, because live records have no nearer one.
 */
export const openSince = (live: Iterable<LiveCall>, asset: AssetId): Seconds | undefined => {
  let oldest: Seconds | undefined;
  for (const { record } of live) {
    if (record.asset !== asset || (record.payment !== 'queued' && record.payment !== 'sent'))
      continue;
    const since = record.dispatchedAt + record.timeoutSeconds;
    oldest = Math.min(oldest ?? since, since);
  }
  return oldest;
};

/**
 * Calls that failed, or may still fail, and whose payments can still move. Running calls count; otherwise calls that begin at once could
 * pass the bound.
 */
export const releasedOf = ({ looks, live }: OpenCalls, most: number): number => {
  const all = looks.size() + live.size;
  if (all < most) return all;
  let running = 0;
  for (const { record } of live.values()) {
    if (record.state === 'held' && record.paidBy === 'deferred') running += 1;
  }
  return looks.size() + running;
};

/** Messages of one commit or alarm, at most: each is read from storage. */
const MAX_AT_ONCE = 200;

/**
 * Released payments that get a last look after their authorization has ended (law 5). Failures are free, so there may be thousands:
 * memory keeps the id and the time of each, storage the rest.
 */
export type LastLooks = {
  /** @param validBefore end of the authorization. */
  add(call: Hex, validBefore: Seconds): void;
  /** Sends the call to the settlement queue at once. */
  hasten(call: Hex): void;
  remove(call: Hex): void;
  /** Calls to send to the settlement queue now. Each counts as sent. */
  take(now: Seconds): readonly Hex[];
  /** When the next look is due; undefined without one. */
  dueAt(): Seconds | undefined;
  size(): number;
};

export const openLastLooks = (stored: Iterable<readonly [Hex, Seconds]>): LastLooks => {
  type Look = { readonly at: Seconds; readonly sends: number };
  const looks = new Map<Hex, Look>();
  /** The earliest time; undefined if it must be computed. */
  let soonest: Seconds | undefined = Infinity;

  const put = (call: Hex, look: Look): void => {
    const known = looks.get(call);
    looks.set(call, look);
    // The earliest has moved: another one may be the next.
    if (known !== undefined && known.at === soonest) soonest = undefined;
    else if (soonest !== undefined) soonest = Math.min(soonest, look.at);
  };
  const next = (): Seconds => {
    if (soonest === undefined) {
      soonest = Infinity;
      for (const { at } of looks.values()) soonest = Math.min(soonest, at);
    }
    return soonest;
  };
  for (const [call, validBefore] of stored) put(call, { at: validBefore + LOOK_DELAY, sends: 0 });

  return {
    add(call, validBefore) {
      if (!looks.has(call)) put(call, { at: validBefore + LOOK_DELAY, sends: 0 });
    },
    hasten: (call) => put(call, { at: 0, sends: 0 }),
    remove(call) {
      if (looks.get(call)?.at === soonest) soonest = undefined;
      looks.delete(call);
    },
    take(now) {
      const due: Hex[] = [];
      if (next() > now) return due;
      for (const [call, { at, sends }] of looks) {
        if (at > now) continue;
        due.push(call);
        put(call, { at: now + resendPause(sends + 1), sends: sends + 1 });
        if (due.length === MAX_AT_ONCE) break;
      }
      return due;
    },
    dueAt: () => (looks.size === 0 ? undefined : next()),
    size: () => looks.size,
  };
};

/** The maximum size of the kept entries and answers, in characters. Hundreds of accounts may share the memory of one isolate. */
const MAX_CHARACTERS = 65_536;

/**
 * The latest open calls as stored, so that the request that ends a call need not read and decode it again. Final calls are never here,
 * so none outlives its stored value.
 */
export type WholeCalls = {
  load(id: Hex): CallRecord | undefined;
  /** Keeps a stored record, unless its call is final. */
  keep(record: CallRecord): void;
};

export const openWholeCalls = (mostCharacters: number = MAX_CHARACTERS): WholeCalls => {
  const kept = new Map<Hex, { readonly record: CallRecord; readonly characters: number }>();
  let characters = 0;

  const drop = (id: Hex): void => {
    const known = kept.get(id);
    if (known !== undefined && kept.delete(id)) characters -= known.characters;
  };

  return {
    load: (id) => kept.get(id)?.record,
    keep(record) {
      drop(record.id);
      if (isFinal(record)) return;
      const size = sizeOf(record);
      // A long answer must not evict all others only to be evicted itself.
      if (size > mostCharacters) return;
      kept.set(record.id, { record, characters: size });
      characters += size;
      for (const oldest of kept.keys()) {
        if (characters <= mostCharacters) return;
        drop(oldest);
      }
    },
  };
};

const sizeOf = ({ entries, answer }: CallRecord): number =>
  entries.reduce((sum, entry) => sum + entryText(entry).length, answer?.body.length ?? 0);
