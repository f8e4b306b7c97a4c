import { acknowledgeTransfer } from '../commands/transfer.ts';
import type { Ledger } from '../ledger.ts';
import type { Memory } from '../memory.ts';
import type { Disk } from '../../store/disk.ts';
import { openThrottle } from '../../store/throttle.ts';
import { sendAt, sent } from '../../store/outbox.ts';
import { nowSeconds, type Seconds } from '../../../src/core/clock.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Acknowledged } from '../../../src/protocol/account/rpc.ts';
import { openExports } from './exports.ts';
import type { Presenter } from './present-payments.ts';
import { objectOf } from '../../../src/protocol/jurisdiction.ts';

/** A busy account sends at most this often, milliseconds: many payments and entries share a message. */
const SEND_PAUSE_MS = 1_000;
/** How many accounts get credit totals concurrently. */
const CREDITS_AT_ONCE = 20;

export type Outbox = {
  /**
   * Sends what is due after a commit: at once, or, if the last send was less than a second ago, when that second is over.
   *
   * @returns undefined if nothing is due, or if an earlier promise of this method sends it.
   */
  committed(memory: Memory, disk: Disk): Promise<void> | undefined;
  /** Sends unacknowledged messages now. The next alarm retries failures. */
  send(memory: Memory, disk: Disk): Promise<void>;
  /** Learns that D1 has every entry up to `seq`, and sends the entries after it. */
  exported(seq: number): Promise<Acknowledged>;
};

/**
 * Sends the account's outbox (laws 5 and 11). The committed values decide what must be sent, so the account sends a lost message again
 * until it has committed its consumer's answer.
 */
export const openOutbox = (
  env: Env,
  account: AccountId,
  ledger: () => Ledger,
  /** Keeps the object alive until a promise settles. */
  waitUntil: (sending: Promise<void>) => void,
): Outbox => {
  const exports = openExports(env, ledger);
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
    if (!isCreditDue(memory, now)) return;
    const due = [...memory.pending].filter(([, pending]) => sendAt(pending) <= now);
    const sends = due.slice(0, CREDITS_AT_ONCE).map(async ([key, pending]) => {
      const { peer, asset, sent: total } = pending.transfer;
      memory.pending.set(key, sent(pending, now));
      // The stored name, not the object's: two names for one payer would be two totals.
      const { account: from } = memory.state;
      const command = { kind: 'credit', from, asset, total } as const;
      const applied = await objectOf(env, env.AGENT_ACCOUNT, peer).apply(command);
      if (applied.verdict === 'unavailable') return;
      await ledger().submit<Acknowledged>(
        (state, { read }) => acknowledgeTransfer(state, pending.transfer, total, read),
        { verdict: 'unavailable' },
      );
    });
    // One unreachable account must not delay the others.
    const failed = (await Promise.allSettled(sends)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  };

  const send = async (memory: Memory, disk: Disk): Promise<void> => {
    const now = nowSeconds();
    const done = await Promise.allSettled([
      settle(memory, disk, now),
      credit(memory, now),
      exports.send(memory, disk, now),
    ]);
    for (const one of done) {
      if (one.status === 'rejected') {
        console.error({ event: 'delivery_failed', account, cause: String(one.reason) });
      }
    }
  };

  const isDue = (memory: Memory, now: Seconds): boolean =>
    arePaymentsDue(memory, now) || isCreditDue(memory, now) || exports.isDue(memory, now);

  const sendDue = async (memory: Memory, disk: Disk): Promise<void> => {
    if (isDue(memory, nowSeconds())) await throttle(() => send(memory, disk));
  };

  const committed = (memory: Memory, disk: Disk): Promise<void> | undefined => {
    if (memory.exports === 'unknown') return askAndSend(memory, disk);
    const work = () => send(memory, disk);
    // Work that waits sends what is due by then.
    if (throttle.replace(work) || !isDue(memory, nowSeconds())) return undefined;
    return throttle(work);
  };

  const askAndSend = async (memory: Memory, disk: Disk): Promise<void> => {
    // A slow database must not delay payments.
    const asked = exports.ask(memory);
    await sendDue(memory, disk);
    await asked;
    await sendDue(memory, disk);
  };

  return {
    committed,
    async send(memory, disk) {
      const asked = exports.askAndStore(memory);
      await send(memory, disk);
      await asked;
      await sendDue(memory, disk);
    },
    async exported(seq) {
      const memory = await exports.acknowledge(seq);
      if (memory === undefined) return { verdict: 'unavailable' };
      const sending = committed(memory, ledger().disk());
      if (sending !== undefined) waitUntil(sending);
      return { verdict: 'ok' };
    },
  };
};

const arePaymentsDue = (memory: Memory, now: Seconds): boolean =>
  (memory.sends.earliest() ?? Infinity) <= now || (memory.looks.dueAt() ?? Infinity) <= now;

const isCreditDue = ({ pending }: Memory, now: Seconds): boolean => {
  for (const each of pending.values()) if (sendAt(each) <= now) return true;
  return false;
};
