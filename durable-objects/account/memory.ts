import type { Seconds } from '../../src/core/clock.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { DocumentType } from '../../src/protocol/account/command.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { isPrompt } from '../../src/protocol/log/prompt.ts';
import type { Disk } from '../store/disk.ts';
import type { Committed } from '../store/group-commit.ts';
import { valuesOf } from '../store/noun.ts';
import { RESEND_FIRST, sendAt, type Sending, UNSENT } from '../store/outbox.ts';
import { awaitsLook, CALL, type CallRecord, isFinal, loadCall } from './call/call-record.ts';
import { DENIAL_WINDOW } from './call/denial.ts';
import { openLastLooks } from './call/last-looks.ts';
import { dropLive, keepLive, nextAlarm, type OpenCalls, openLiveCalls } from './call/open-calls.ts';
import { openWholeCalls } from './call/whole-calls.ts';
import { DOCUMENT } from './commands/document.ts';
import {
  isPending,
  pendingTransfers,
  type Transfer,
  TRANSFER,
  transferKey,
} from './commands/transfer.ts';
import { openPruning, type Pruning } from './pruning.ts';
import { ACCOUNT, type AccountState, emptyAccount } from './state.ts';
import { heldGrants } from './tree/grants.ts';
import { ISSUED_LEASE, type Lessees, liveLessees, openLessees } from './tree/issued-lease.ts';
import { idleAt } from './tree/return-shares.ts';

/** More unexported entries than this are read from storage instead of being kept. */
const KEPT_ENTRIES = 2_000;
/** Entries wait at most this long for the end of open calls. */
export const EXPORT_DELAY: Seconds = 10;

/** Credit on its way to another account. */
export type Pending = Sending & { readonly transfer: Transfer };

/** The memory of an awake account. A cache: storage is the truth, and all of this is rebuilt from it. */
export type Memory = OpenCalls & {
  state: AccountState;
  /** Credit that its other account has not acknowledged, by peer and asset. */
  readonly pending: Map<string, Pending>;
  readonly lessees: Lessees;
  /** The newest entry that wrote a document, by type; absent until a reader asks for it. */
  readonly newestDocument: Map<DocumentType, number>;
  readonly prune: Pruning;
  /** Characters of the stored values in memory. */
  readonly characters: () => number;
  /** Newest entries that are not in D1 yet; empty when there are too many to keep. */
  fresh: readonly Entry[];
  /** Whether the account knows how far D1 has stored its chain: an account that wakes may have lost the last acknowledgement. */
  exports: 'unknown' | 'asking' | 'known';
  /** Whether to export without delay: every call has ended, or a reader waits for an entry. */
  exportNow: boolean;
  /** The last export. While D1 acknowledges nothing, the account sends it again at growing intervals. */
  export: Sending & { readonly to: number };
  pruneAt: Seconds | undefined;
};

export const wake = (account: AccountId, disk: Disk, now: Seconds): Memory => {
  const [known = emptyAccount(account)] = disk.find(ACCOUNT, { limit: 1 });
  const state = { ...known, held: heldGrants(disk) };
  // Loads records without answers and entries, which are most of their size: an account that wakes only needs its open work.
  const live = [
    ...disk.brief(CALL, { where: [['due', '=', 'live']] }),
    ...disk.brief(CALL, { where: [['due', '=', 'parked']] }),
  ];
  const looks = disk.brief(CALL, { where: [['due', '=', 'look']] });
  const open = openLiveCalls();
  for (const record of live) {
    // Only the entries of an abandoned call show whether an operator has resolved it.
    const whole = record.state === 'abandoned' ? loadCall(disk, record.id) : undefined;
    if (whole === undefined || !isFinal(whole)) keepLive(open, { record, ...UNSENT }, now);
  }
  return {
    state,
    ...open,
    looks: openLastLooks(looks.map(({ id, validBefore }) => [id, validBefore])),
    whole: openWholeCalls(),
    pending: new Map(
      [...pendingTransfers(disk)].map((transfer) => [
        transferKey(transfer),
        { transfer, ...UNSENT },
      ]),
    ),
    lessees: openLessees(liveLessees(disk, now)),
    newestDocument: new Map(),
    prune: openPruning(disk),
    characters: () => disk.characters(),
    fresh: [],
    exports: state.head.seq > state.exported ? 'unknown' : 'known',
    exportNow: false,
    export: { ...UNSENT, to: state.exported },
    pruneAt: undefined,
  };
};

/** Updates memory from a committed group. @returns its entries, in order. */
export const remember = (
  memory: Memory,
  { state, writes, entries, now }: Committed<AccountState>,
): readonly Entry[] => {
  const before = memory.state.head.seq;
  const added: Entry[] = [...entries];
  for (const record of valuesOf(writes, CALL)) {
    const own = record.entries.filter(({ seq }) => seq > before);
    added.push(...own);
    rememberCall(memory, record, own, now);
  }
  for (const transfer of valuesOf(writes, TRANSFER)) {
    if (isPending(transfer)) memory.pending.set(transferKey(transfer), { transfer, ...UNSENT });
    else memory.pending.delete(transferKey(transfer));
  }
  for (const lease of valuesOf(writes, ISSUED_LEASE)) memory.lessees.set(lease, lease.until);
  if (writes.some(({ noun }) => noun.name === DOCUMENT.name)) memory.newestDocument.clear();
  const isComplete = memory.fresh.length > 0 || before === state.exported;
  memory.exportNow ||= added.some(({ type }) => isPrompt(type));
  const ordered = added.toSorted((a, b) => a.seq - b.seq);
  const fresh = [...memory.fresh, ...ordered].filter(({ seq }) => seq > state.exported);
  memory.fresh = isComplete && fresh.length <= KEPT_ENTRIES ? fresh : [];
  memory.state = state;
  return ordered;
};

/** @param added the entries of the call that this group has added. */
const rememberCall = (
  memory: Memory,
  record: CallRecord,
  added: readonly Entry[],
  now: Seconds,
): void => {
  const known = memory.live.get(record.id);
  const isRedriven = added.some(({ type }) => type === 'settlement.redriven');
  memory.whole.keep(record);
  if (isFinal(record)) {
    dropLive(memory, record.id);
    // A running call or an open payment will soon add entries, which can share a chunk.
    memory.exportNow ||= memory.live.size === 0;
    memory.looks.remove(record.id);
  } else if (awaitsLook(record)) {
    dropLive(memory, record.id);
    memory.looks.add(record.id, record.validBefore);
    if (isRedriven) memory.looks.hasten(record.id);
  } else {
    // Restarts the outbox for a call whose payment changed its state.
    const isSent = known?.record.payment === record.payment || record.payment === 'sent';
    const { sentAt, sends } = isSent && !isRedriven && known !== undefined ? known : UNSENT;
    const call = {
      record: brief(record),
      ...{ sentAt, sends },
      ...(known?.alerted === true ? { alerted: true } : {}),
    };
    keepLive(memory, call, now);
  }
};

/** When the alarm must fire next; undefined if nothing will be due. */
export const nextDue = (memory: Memory, now: Seconds): Seconds | undefined => {
  const times = [nextAlarm(memory, now)];
  if (memory.state.head.seq > memory.state.exported) {
    const isSent = memory.export.to > memory.state.exported;
    times.push(isSent ? sendAt(memory.export) : (memory.fresh[0]?.at ?? now) + EXPORT_DELAY);
  }
  times.push(...[...memory.pending.values()].map((pending) => resendAt(pending, now)));
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

/** Answers and entries are most of a record; the code that needs them reads them from storage. */
const brief = (record: CallRecord): CallRecord => ({ ...record, answer: undefined, entries: [] });

const resendAt = (pending: Pending, now: Seconds): Seconds => {
  const at = sendAt(pending);
  return at <= now ? now + RESEND_FIRST : at;
};
