import type { Entry, EntryType } from '../../src/protocol/entry.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { DENIAL_WINDOW } from './call/denial.ts';
import { dueAt, type Live, RESEND_FIRST, resendPause } from './log/outbox.ts';
import { awaitsLook, type LastLooks, openLastLooks } from './call/last-looks.ts';
import { type CallRecord, isFinal, prunesAt } from './call/record.ts';
import { idleAt } from './tree/idle.ts';
import type { AccountState } from './state.ts';
import { type Lessees, openLessees } from './tree/lessees.ts';
import type { LeaseRow } from './tree/lessor.ts';
import { isPending, keyOf, type Transfer } from './commands/transfer.ts';
import type { AccountStorage } from './storage.ts';
import { openWholeCalls, type WholeCalls } from './call/whole-calls.ts';

/** More unexported entries than this are read from storage instead of being kept. */
const KEPT_ENTRIES = 1_000;
/** Entries wait at most this long for a settlement to be exported with. */
export const EXPORT_DELAY: Seconds = 10;
/** An export without an acknowledgement is sent again after this long. */
export const EXPORT_RESEND: Seconds = 20;

/** What people wait to see, or to hear of. */
const PROMPT: ReadonlySet<string> = new Set([
  'account.label',
  'account.status',
  'account.policy',
  'tool.put',
  'tool.removed',
  'webhook.put',
  'webhook.removed',
  'settlement.redriven',
  'credit.adjusted',
  'alert.raised',
] satisfies EntryType[]);

/** Credit on its way to another account, and how often that was told. Not stored: a restart tells it again. */
export type Pending = {
  readonly transfer: Transfer;
  readonly sentAt: Seconds;
  readonly sends: number;
};

/** What an awake account remembers. A cache: storage is the truth, and all of this is rebuilt from it. */
export type Memory = {
  state: AccountState;
  readonly live: Map<Hex, Live>;
  readonly looks: LastLooks;
  readonly whole: WholeCalls;
  /** Credit that its other account has not acknowledged, by peer and asset. */
  readonly pending: Map<string, Pending>;
  readonly lessees: Lessees;
  /** Newest entries that are not in D1 yet; empty when there are too many to keep. */
  fresh: readonly Entry[];
  /** A payment ended or a call without one: worth exporting now. */
  exportNow: boolean;
  exportSentAt: Seconds;
  exportSentTo: number;
  pruneAt: Seconds | undefined;
  /** When the alarm is set for, Unix seconds. */
  alarmAt: Seconds | undefined;
};

export const loadMemory = async (
  account: AccountId,
  storage: AccountStorage,
  now: Seconds,
  getAlarm: () => Promise<number | null>,
): Promise<Memory> => {
  const state = storage.loadAccount(account);
  const live = storage.loadLive();
  const alarm = await getAlarm();
  return {
    state,
    looks: openLastLooks(storage.loadLooks()),
    live: new Map(live.map((record) => [record.id, { record: slim(record), sentAt: 0, sends: 0 }])),
    whole: openWholeCalls(),
    pending: new Map(
      storage.loadPending().map((transfer) => [keyOf(transfer), { transfer, sentAt: 0, sends: 0 }]),
    ),
    lessees: openLessees(storage.loadLessees(now)),
    fresh: [],
    exportNow: state.head.seq > state.exported,
    exportSentAt: 0,
    exportSentTo: state.exported,
    pruneAt: undefined,
    alarmAt: alarm === null ? undefined : Math.ceil(alarm / 1000),
  };
};

/** Takes over a committed group. @returns its entries, in order. */
export const remember = (
  memory: Memory,
  state: AccountState,
  records: Iterable<CallRecord>,
  loose: readonly Entry[],
  transfers: Iterable<Transfer>,
  leases: Iterable<LeaseRow>,
  resend: ReadonlySet<Hex>,
): readonly Entry[] => {
  const before = memory.state.head.seq;
  const added: Entry[] = [...loose];
  for (const record of records) {
    added.push(...record.entries.filter(({ seq }) => seq > before));
    const known = memory.live.get(record.id);
    memory.whole.keep(record);
    if (isFinal(record)) {
      memory.live.delete(record.id);
      memory.exportNow = true;
      memory.looks.remove(record.id);
      const pruneAt = prunesAt(record);
      memory.pruneAt = Math.min(memory.pruneAt ?? pruneAt, pruneAt);
    } else if (awaitsLook(record)) {
      memory.live.delete(record.id);
      memory.looks.add(record.id, record.validBefore);
      if (resend.has(record.id)) memory.looks.hasten(record.id);
    } else {
      // A call whose payment came into another state is told to the Queue anew.
      const isTold = known?.record.payment === record.payment || record.payment === 'sent';
      const told = isTold && !resend.has(record.id) ? known : undefined;
      memory.live.set(record.id, {
        record: slim(record),
        sentAt: told?.sentAt ?? 0,
        sends: told?.sends ?? 0,
        ...(known?.alerted === true ? { alerted: true } : {}),
      });
    }
  }
  for (const transfer of transfers) {
    if (isPending(transfer)) {
      memory.pending.set(keyOf(transfer), { transfer, sentAt: 0, sends: 0 });
    } else memory.pending.delete(keyOf(transfer));
  }
  for (const lease of leases) memory.lessees.set(lease, lease.until);
  const complete = memory.fresh.length > 0 || before === state.exported;
  memory.exportNow ||= added.some(({ type }) => PROMPT.has(type));
  const ordered = added.toSorted((a, b) => a.seq - b.seq);
  const fresh = [...memory.fresh, ...ordered].filter(({ seq }) => seq > state.exported);
  memory.fresh = complete && fresh.length <= KEPT_ENTRIES ? fresh : [];
  memory.state = state;
  return ordered;
};

/**
 * Calls that failed, or may, and whose payments can still move. Those that run count, or as many as begin at once could pass the bound.
 */
export const releasedOf = ({ looks, live }: Memory, most: number): number => {
  const all = looks.size() + live.size;
  if (all < most) return all;
  let running = 0;
  for (const { record } of live.values()) {
    if (record.state === 'held' && record.paidBy === 'deferred') running += 1;
  }
  return looks.size() + running;
};

/** When the alarm must ring next; undefined when nothing is due ever. */
export const nextDue = (memory: Memory, now: Seconds): Seconds | undefined => {
  const times = [...memory.live.values()].map((live) => dueAt(live, now));
  if (memory.state.head.seq > memory.state.exported) {
    const pending = memory.exportSentTo > memory.state.exported;
    times.push(
      pending ? memory.exportSentAt + EXPORT_RESEND : (memory.fresh[0]?.at ?? now) + EXPORT_DELAY,
    );
  }
  times.push(...[...memory.pending.values()].map((pending) => transferDueAt(pending, now)));
  times.push(...memory.state.denials.map(({ since }) => since + DENIAL_WINDOW));
  times.push(memory.looks.dueAt(), memory.pruneAt, idleAt(memory.state, now));
  const due = times.filter((time) => time !== undefined);
  return due.length === 0
    ? undefined
    : Math.max(
        now + 1,
        due.reduce((a, b) => Math.min(a, b)),
      );
};

/** Answers and entries are most of a record: they are read from storage when somebody asks. */
const slim = (record: CallRecord): CallRecord => ({ ...record, answer: undefined, entries: [] });

/** When the other account is told (again). */
export const transferSendAt = ({ sentAt, sends }: Pending): Seconds =>
  sends === 0 ? 0 : sentAt + resendPause(sends);

const transferDueAt = (pending: Pending, now: Seconds): Seconds => {
  const send = transferSendAt(pending);
  return send <= now ? now + RESEND_FIRST : send;
};
