import type { Seconds } from '../../src/core/clock.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { DocumentType } from '../../src/protocol/account/command.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { isPrompt } from '../../src/protocol/log/prompt.ts';
import type { Disk } from '../store/disk.ts';
import type { Committed } from '../store/group-commit.ts';
import { RESEND_FIRST, sendAt, type Sending, UNSENT } from '../store/outbox.ts';
import { awaitsLook, type CallRecord, isFinal } from './call/call-record.ts';
import { CALL, loadCall } from './call/stored-call.ts';
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
import {
  ISSUED_LEASE,
  type IssuedLease,
  type Lessees,
  liveLessees,
  openLessees,
} from './tree/issued-lease.ts';
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
  /** Newest entries, without a gap, from the first one on that is not in D1 yet; empty when there are too many to keep. */
  fresh: Entry[];
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
    if (whole === undefined || !isFinal(whole)) keepLive(open, { record, ...UNSENT });
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
  { state, writes, entries }: Committed<AccountState>,
): readonly Entry[] => {
  const before = memory.state.head.seq;
  const added = [...entries];
  for (const { noun, value } of writes) {
    if (noun.name === DOCUMENT.name) memory.newestDocument.clear();
    if (value === undefined) continue;
    if (noun.name === CALL.name) added.push(...rememberCall(memory, value as CallRecord, before));
    if (noun.name === TRANSFER.name) rememberTransfer(memory, value as Transfer);
    if (noun.name === ISSUED_LEASE.name) {
      const lease = value as IssuedLease;
      memory.lessees.set(lease, lease.until);
    }
  }
  if (added.length > 1) added.sort((a, b) => a.seq - b.seq);
  memory.exportNow ||= added.some(({ type }) => isPrompt(type));
  if (memory.fresh.length > 0 || before === state.exported) memory.fresh.push(...added);
  memory.state = state;
  dropExported(memory);
  if (memory.fresh.length > KEPT_ENTRIES) memory.fresh = [];
  return added;
};

/** Forgets the kept entries that D1 has. */
export const dropExported = ({ fresh, state: { exported } }: Memory): void => {
  const [first] = fresh;
  if (first !== undefined && first.seq <= exported) fresh.splice(0, exported + 1 - first.seq);
};

/** @returns the entries of the call after `before`, which its group has added. */
const rememberCall = (memory: Memory, record: CallRecord, before: number): readonly Entry[] => {
  const { id } = record;
  const added = record.entries.filter(({ seq }) => seq > before);
  const isRedriven = added.some(({ type }) => type === 'settlement.redriven');
  memory.whole.keep(record);
  if (isFinal(record)) {
    dropLive(memory, id);
    // A running call or an open payment will soon add entries, which can share a chunk.
    memory.exportNow ||= memory.live.size === 0;
    memory.looks.remove(id);
  } else if (awaitsLook(record)) {
    dropLive(memory, id);
    memory.looks.add(id, record.validBefore);
    if (isRedriven) memory.looks.hasten(id);
  } else {
    const known = memory.live.get(id);
    // Restarts the outbox for a call whose payment changed its state.
    const isSent = known?.record.payment === record.payment || record.payment === 'sent';
    const { sentAt, sends } = isSent && !isRedriven && known !== undefined ? known : UNSENT;
    keepLive(memory, { record: brief(record), sentAt, sends, alerted: known?.alerted });
  }
  return added;
};

const rememberTransfer = ({ pending }: Memory, transfer: Transfer): void => {
  if (isPending(transfer)) pending.set(transferKey(transfer), { transfer, ...UNSENT });
  else pending.delete(transferKey(transfer));
};

/** When the alarm must fire next; undefined if nothing will be due. Never in the past: such an alarm would fire at once, again and again. */
export const nextDue = (memory: Memory, now: Seconds): Seconds | undefined => {
  const { state, pending, looks, pruneAt } = memory;
  let due = Math.min(
    nextAlarm(memory, now),
    exportAt(memory, now),
    looks.dueAt() ?? Infinity,
    pruneAt ?? Infinity,
    idleAt(state, now) ?? Infinity,
  );
  for (const each of pending.values()) due = Math.min(due, resendAt(each, now));
  for (const { since } of state.denials) due = Math.min(due, since + DENIAL_WINDOW);
  return due === Infinity ? undefined : Math.max(now + 1, due);
};

const exportAt = ({ state, export: last, fresh }: Memory, now: Seconds): Seconds => {
  if (state.head.seq <= state.exported) return Infinity;
  return last.to > state.exported ? sendAt(last) : (fresh[0]?.at ?? now) + EXPORT_DELAY;
};

/** Answers and entries are most of a record; the code that needs them reads them from storage. */
const brief = (record: CallRecord): CallRecord => ({ ...record, answer: undefined, entries: [] });

const resendAt = (pending: Pending, now: Seconds): Seconds => {
  const at = sendAt(pending);
  return at <= now ? now + RESEND_FIRST : at;
};
