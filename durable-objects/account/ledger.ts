import type { Entry } from '../../src/protocol/entry.ts';
import type { AccountId, AssetId } from '../../src/protocol/account-id.ts';
import type { Hex } from '../../src/core/hex.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import { random16 } from '../../src/core/random.ts';
import { withAlerts } from './log/alerts.ts';
import type { Context, Decision } from './decision.ts';
import type { StoredDocument } from './commands/documents.ts';
import type { LeaseRow } from './tree/lessor.ts';
import { loadMemory, type Memory, nextDue, releasedOf, remember } from './memory.ts';
import type { StoredOrder } from './commands/ordered.ts';
import { MOST_RELEASED } from './call/pace.ts';
import type { CallRecord } from './call/record.ts';
import { type AccountStorage, openStorage } from './storage.ts';
import { openSince } from './call/stuck.ts';
import type { AccountState } from './state.ts';
import { keyOf, noTransfer, type Transfer } from './commands/transfer.ts';
import { documentKey } from './kept-storage.ts';
import { lesseeKey } from './tree/tree-storage.ts';
import { type HeldGrant, type IssuedGrant, isZero } from './tree/tree.ts';

/** A command on its way through a group: it decides on what the commands before it left behind. */
type Job = {
  readonly decide: (
    state: AccountState,
    load: (id: Hex) => CallRecord | undefined,
    context: Context,
    memory: Memory,
  ) => Decision<unknown>;
  readonly answer: (verdict: unknown) => void;
  readonly refused: unknown;
};

export type Ledger = {
  /** Decides, commits with its group, then answers; `refused` when the commit failed. */
  submit<Verdict>(decide: Decide<Verdict>, refused: Verdict): Promise<Verdict>;
  /** After an alarm: does what is due, then sets the next alarm, even when something failed. */
  rearm(work: (memory: Memory) => Promise<void>): Promise<void>;
  readonly storage: () => AccountStorage;
};

export type Decide<Verdict> = (
  state: AccountState,
  load: (id: Hex) => CallRecord | undefined,
  context: Context,
  memory: Memory,
) => Decision<Verdict>;

/** What an account decides by, whatever it is asked. */
export type Rules = Pick<Context, 'policy' | 'policyHash' | 'commandBytes'>;

/** How long after a failed commit the alarm tries again, seconds. */
const FAILED_PAUSE = 30;

/**
 * Group commit (design §5): what arrives while the last commit is being made durable forms the next group, is decided one by one,
 * written in one transaction and answered only then. One runner, so no decision ever sees a state that is not its predecessor's.
 */
export const openLedger = (
  account: AccountId,
  disk: DurableObjectStorage,
  rules: () => Rules,
  afterCommit: (memory: Memory, added: readonly Entry[]) => void,
): Ledger => {
  let storage = openStorage(disk);
  let memory: Memory | undefined;
  let waiting: Job[] = [];
  let running = false;

  const commit = async (group: readonly Job[]): Promise<unknown[]> => {
    const now = nowSeconds();
    memory ??= await loadMemory(account, storage, now, () => disk.getAlarm());
    const kept = memory;
    const drafts = new Map<Hex, CallRecord>();
    const named = new Map<Hex, Hex>();
    const loose: Entry[] = [];
    const transfers = new Map<string, Transfer>();
    const transferWith = (peer: string, asset: AssetId): Transfer =>
      transfers.get(keyOf({ peer, asset })) ??
      storage.loadTransfer(peer, asset) ??
      noTransfer(peer, asset);
    const leases = new Map<string, LeaseRow>();
    const issued = new Map<Hex, IssuedGrant>();
    const held = new Map<Hex, HeldGrant>();
    const revoked = new Set<Hex>();
    const dropped = new Set<Hex>();
    const orders = new Map<Hex, StoredOrder>();
    const documents = new Map<string, StoredDocument>();
    const texts = new Set<Hex>();
    const resend = new Set<Hex>();
    const load = (id: Hex): CallRecord | undefined =>
      drafts.get(id) ?? kept.whole.load(id) ?? storage.loadCall(id);
    const context: Context = {
      ...rules(),
      now,
      salt: random16,
      callNamed: (identifier) => named.get(identifier) ?? storage.callNamed(identifier),
      transferWith,
      leaseOf: (child, by) =>
        leases.get(lesseeKey({ child, issued: by })) ?? storage.loadLease(child, by),
      issuedGrant: (hash) => issued.get(hash) ?? storage.loadIssued(hash),
      issuedById: (id) =>
        [...issued.values()].find(({ grant }) => grant.delegation.id === id) ??
        storage.loadIssuedById(id),
      isRevoked: (id) => revoked.has(id) || storage.isRevoked(id),
      ownsOthers: () =>
        storage.ownsOthers() ||
        [...issued.values()].some(({ grant }) => isZero(grant.delegation.parent)),
      issuedCount: () => storage.issuedCount(),
      orderOf: (digest) => orders.get(digest) ?? storage.loadOrder(digest),
      ordersKept: () => orders.size + storage.ordersKept(now),
      documentOf: (type, name) =>
        documents.get(documentKey(type, name)) ?? storage.loadDocument(type, name),
      documentNames: (type) => {
        const names = new Set(storage.documentNames(type));
        for (const each of documents.values()) {
          if (each.type !== type) continue;
          if (each.text === null) names.delete(each.name);
          else names.add(each.name);
        }
        return [...names];
      },
      hasText: (hash) => texts.has(hash) || storage.hasText(hash),
      leaseParts: (by) => kept.lessees.parts(by, now),
      released: () => releasedOf(kept, MOST_RELEASED),
      openSince: (asset) => openSince(kept.live.values(), asset),
    };
    let state = memory.state;
    let durable = false;
    const verdicts = group.map((job) => {
      const decision = withAlerts(state, job.decide(state, load, context, kept), context);
      ({ state } = decision);
      durable ||= decision.durable;
      for (const record of decision.records) {
        drafts.set(record.id, record);
        if (record.identifier !== undefined) named.set(record.identifier, record.id);
      }
      loose.push(...decision.loose);
      for (const transfer of decision.transfers ?? []) {
        transfers.set(keyOf(transfer), transfer);
      }
      for (const lease of decision.leases ?? []) leases.set(lesseeKey(lease), lease);
      for (const each of decision.issued ?? []) issued.set(each.grant.hash, each);
      for (const each of decision.held ?? []) held.set(each.grant.hash, each);
      for (const id of decision.revoked ?? []) revoked.add(id);
      for (const hash of decision.dropped ?? []) dropped.add(hash);
      for (const order of decision.orders ?? []) orders.set(order.digest, order);
      for (const each of decision.documents ?? []) {
        documents.set(documentKey(each.type, each.name), each);
      }
      for (const hash of decision.texts ?? []) texts.add(hash);
      for (const id of decision.resend ?? []) resend.add(id);
      return decision.verdict;
    });
    if (durable) {
      const tree = {
        leases: leases.values(),
        issued: issued.values(),
        held: held.values(),
        revoked,
        dropped,
      };
      storage.write({
        state,
        records: drafts.values(),
        loose,
        transfers: transfers.values(),
        tree,
        kept: { orders: orders.values(), documents: documents.values(), texts, now },
      });
      const added = remember(
        memory,
        state,
        drafts.values(),
        loose,
        transfers.values(),
        leases.values(),
        resend,
      );
      const alarm = setAlarm(memory, context.now);
      await Promise.all([alarm, disk.sync()]);
      afterCommit(memory, added);
    } else {
      memory.state = state;
      // An alarm that failed too often is gone for good: whoever wakes the account next sets it again (law 5).
      if (memory.alarmAt === undefined) await setAlarm(memory, context.now);
    }
    return verdicts;
  };

  const setAlarm = async (kept: Memory, now: number): Promise<void> => {
    const due = nextDue(kept, now);
    if (due === undefined || (kept.alarmAt !== undefined && kept.alarmAt <= due)) return;
    kept.alarmAt = due;
    storage.countAlarm();
    try {
      await disk.setAlarm(due * 1000);
    } catch (cause) {
      kept.alarmAt = undefined;
      throw cause;
    }
  };

  const run = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      try {
        const verdicts = await commit(group);
        group.forEach((job, index) => job.answer(verdicts[index]));
      } catch (cause) {
        // Law 2: any error on the way is a refusal. What memory believed is not the truth any more.
        console.error({ event: 'commit_failed', account, cause: String(cause) });
        memory = undefined;
        storage = openStorage(disk);
        for (const job of group) job.answer(job.refused);
        await ringLater();
      }
    }
    running = false;
  };

  /** The failed commit may have been the one that set the alarm; without one nothing would ever be resent or ended. */
  const ringLater = async (): Promise<void> => {
    try {
      if (!storage.exists()) return;
      const later = (nowSeconds() + FAILED_PAUSE) * 1000;
      const alarm = await disk.getAlarm();
      // Never later than it was: commits that keep failing would put the alarm off for ever.
      if (alarm === null || alarm > later) await disk.setAlarm(later);
    } catch (cause) {
      console.error({ event: 'alarm_failed', account, cause: String(cause) });
    }
  };

  return {
    storage: () => storage,
    async rearm(work) {
      // The alarm that rang is spent; without memory (a failed commit) storage is asked again a little later.
      if (memory === undefined) {
        await disk.setAlarm((nowSeconds() + FAILED_PAUSE) * 1000);
        return;
      }
      memory.alarmAt = undefined;
      await work(memory);
      // A commit that failed meanwhile has dropped it.
      const kept = memory as Memory | undefined;
      if (kept === undefined) await ringLater();
      else await setAlarm(kept, nowSeconds());
    },
    submit: <Verdict>(decide: Decide<Verdict>, refused: Verdict) =>
      new Promise<Verdict>((resolve) => {
        waiting.push({ decide, refused, answer: (verdict) => resolve(verdict as Verdict) });
        if (!running) void run();
      }),
  };
};
