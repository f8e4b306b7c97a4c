import { recheckMessages } from '../call/settlement-message.ts';
import type { Transfer } from '../commands/transfer.ts';
import { type Decision, stored, unchanged } from '../decision.ts';
import { entriesAfter } from './feed.ts';
import type { Ledger } from '../ledger.ts';
import { EXPORT_DELAY, EXPORT_RESEND, type Memory } from '../memory.ts';
import type { AccountState } from '../state.ts';
import type { Disk } from '../../store/disk.ts';
import { openThrottle } from '../../store/throttle.ts';
import { sendAt, sent } from '../../store/outbox.ts';
import { splitRun } from '../../../src/audit/chunk.ts';
import { nowSeconds, type Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Acknowledged, Rechecked } from '../../../src/protocol/account/rpc.ts';
import type { SettlementMessage } from '../../../src/protocol/payment.ts';
import type { Presenter } from './present-payments.ts';

/** A busy account sends at most this often, milliseconds: many payments and entries share a message. */
const SEND_PAUSE_MS = 1_000;
/** Accounts that get credit totals at once. */
const CREDITS_AT_ONCE = 20;
/** Entries of one export. */
const EXPORT_MOST = 500;

export type Outbox = {
  /** Sends what is due after a commit: at once, or with all that becomes due within a second of the last time. */
  committed(memory: Memory, disk: Disk): Promise<void>;
  /** Sends unacknowledged messages now. The next alarm retries failures. */
  send(memory: Memory, disk: Disk): Promise<void>;
};

/**
 * Sends the account's outbox (laws 5 and 11). The committed values decide what must be sent, so the account sends a lost message again
 * until it has committed its consumer's answer.
 */
export const openOutbox = (
  env: Env,
  account: AccountId,
  acknowledge: (transfer: Transfer) => Promise<unknown>,
): Outbox => {
  const throttle = openThrottle(SEND_PAUSE_MS);
  let presenter: Presenter | undefined;

  const settle = async (memory: Memory, disk: Disk, now: Seconds): Promise<void> => {
    if (!arePaymentsDue(memory, now)) return;
    // Loaded on first use: an isolate that only answers requests does not present payments.
    presenter ??= (await import('./present-payments.ts')).openPresenter(env);
    await presenter.sendDue(memory, disk, now);
  };

  /** Sends other accounts the totals of credit that this one has paid for, until each has committed them (law 5). */
  const credit = async (memory: Memory, now: Seconds): Promise<void> => {
    const due = [...memory.pending].filter(([, pending]) => sendAt(pending) <= now);
    const sends = due.slice(0, CREDITS_AT_ONCE).map(async ([key, pending]) => {
      const { peer, asset, sent: total } = pending.transfer;
      memory.pending.set(key, sent(pending, now));
      // The stored name, not the object's: two names for one payer would be two totals.
      const { account: from } = memory.state;
      const command = { kind: 'credit', from, asset, total } as const;
      const applied = await env.AGENT_ACCOUNT.getByName(peer).apply(command);
      if (applied.verdict !== 'unavailable') await acknowledge(pending.transfer);
    });
    // One unreachable account must not delay the others.
    const failed = (await Promise.allSettled(sends)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  };

  const exportEntries = async (memory: Memory, disk: Disk, now: Seconds): Promise<void> => {
    if (!isExportDue(memory, now)) return;
    const { head, exported } = memory.state;
    const entries =
      memory.fresh[0]?.seq === exported + 1
        ? memory.fresh.slice(0, EXPORT_MOST)
        : entriesAfter(disk, exported, EXPORT_MOST);
    const last = entries.at(-1);
    if (last === undefined) return;
    memory.exportNow = last.seq < head.seq;
    memory.exportSentAt = now;
    memory.exportSentTo = last.seq;
    for (const message of splitRun(entries)) {
      await env.AUDIT_QUEUE.send(message, { contentType: 'v8' });
    }
  };

  const send = async (memory: Memory, disk: Disk): Promise<void> => {
    const now = nowSeconds();
    const done = await Promise.allSettled([
      settle(memory, disk, now),
      credit(memory, now),
      exportEntries(memory, disk, now),
    ]);
    for (const one of done) {
      if (one.status === 'rejected') {
        console.error({ event: 'delivery_failed', account, cause: String(one.reason) });
      }
    }
  };

  return {
    async committed(memory, disk) {
      if (isDue(memory, nowSeconds())) await throttle(() => send(memory, disk));
    },
    send,
  };
};

const arePaymentsDue = (memory: Memory, now: Seconds): boolean =>
  (memory.sends.earliest() ?? Infinity) <= now || (memory.looks.dueAt() ?? Infinity) <= now;

const isDue = (memory: Memory, now: Seconds): boolean =>
  arePaymentsDue(memory, now) ||
  [...memory.pending.values()].some((pending) => sendAt(pending) <= now) ||
  isExportDue(memory, now);

const isExportDue = (memory: Memory, now: Seconds): boolean => {
  const { head, exported } = memory.state;
  if (head.seq <= exported) return false;
  const isUnderWay = memory.exportSentTo > exported && now < memory.exportSentAt + EXPORT_RESEND;
  const oldest = memory.fresh[0]?.at ?? 0;
  return !isUnderWay && (memory.exportNow || now >= oldest + EXPORT_DELAY);
};

const OK: Acknowledged = { verdict: 'ok' };

/** D1 has every entry up to `seq`. A lower or a future one changes nothing: queues do not order. */
export const exported = (state: AccountState, seq: number): Decision<Acknowledged> =>
  Number.isSafeInteger(seq) && seq > state.exported && seq <= state.head.seq
    ? stored({ ...state, exported: seq }, OK)
    : unchanged(state, OK);

/**
 * Sends payments on which ledger and chain differ to the settlement queue again. Writes nothing: the next reconciliation repeats the
 * request.
 */
export const recheck = async (
  ledger: Ledger,
  env: Env,
  calls: readonly Hex[],
): Promise<Rechecked> => {
  const messages = await ledger.submit<readonly SettlementMessage[] | undefined>(
    (state, context) => unchanged(state, recheckMessages(state, calls, context)),
    undefined,
  );
  if (messages === undefined) return { verdict: 'unavailable' };
  const { openPresenter } = await import('./present-payments.ts');
  await openPresenter(env).enqueue(messages);
  return { verdict: 'rechecking', calls: messages.map(({ call }) => call) };
};
